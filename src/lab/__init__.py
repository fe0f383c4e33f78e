"""The lab: the memoised steps that retrievers are recipes of.

Each step is found in the store or made: tokens, BM25 index and negatives (texts.py), trained checkpoints (fits.py),
their vectors (vectors.py), fitted quantizers, codes and candidates (codes.py), rankings and scores (rankings.py),
teachers and pseudo labels (labels.py).
`Lab` offers them all.
"""

from .lab import Lab
from .rankings import Ranking
from .steps import Fitted, Stored, Trained
from .texts import Candidates

__all__ = ["Candidates", "Fitted", "Lab", "Ranking", "Stored", "Trained"]
