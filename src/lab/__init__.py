"""The lab: the memoised steps that retrievers are recipes of.

A `Bench` (bench.py) is where steps are made; artifacts.py says what names each artifact. The steps are functions of a
bench in the modules named after them: tokens, lexical, train (with dev), encode, mine, compress, search, label. `Lab`
(lab.py) is what retrievers see of them.
"""

from .bench import Bench
from .lab import Lab
from .label import BaseRetriever
from .search import Ranking
from .stored import StoredQuantizer, Trained

__all__ = ["BaseRetriever", "Bench", "Lab", "Ranking", "StoredQuantizer", "Trained"]
