"""The lab: the memoised steps that retrievers are recipes of.

Each step is found in the store or made: tokens, BM25 index and negatives (texts.py), trained checkpoints and their
vectors (vectors.py), fitted quantizers and codes (codes.py), rankings and scores (rankings.py). `Lab` offers them all.
"""

from .codes import Fitted
from .lab import Lab
from .rankings import Ranking, Trained
from .steps import Stored
from .texts import Candidates

__all__ = ["Candidates", "Fitted", "Lab", "Ranking", "Stored", "Trained"]
