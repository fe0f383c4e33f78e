"""The lab: the memoised steps that retrievers are recipes of.

Each step is found in the store or made: tokens, BM25 index and negatives (texts.py), trained checkpoints and their
vectors (vectors.py), fitted quantizers, codes, rankings and scores (rankings.py). `Lab` offers them all.
"""

from .lab import Lab
from .rankings import Fitted, Ranking, Trained
from .steps import Stored
from .texts import Candidates

__all__ = ["Candidates", "Fitted", "Lab", "Ranking", "Stored", "Trained"]
