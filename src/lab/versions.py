"""The version of every step of the lab.

A step's version is raised when its code comes to give another result from the same inputs and settings, so that what
the store has from before is not taken for it. It enters the artifact's key, and through it the keys of all that is made
from the artifact. `tests/golden.py` fails when a step's output changes and its version does not.

A change inside one component raises the component's own `version` instead (a quantizer, a sampler, an objective, a data
source): `describe` puts it into every key that the component is in.
"""

from collections.abc import Mapping
from types import MappingProxyType

VERSIONS: Mapping[str, int] = MappingProxyType(
    {
        "bm25": 2,  # the word index: indexes/lexical.py, postings.py; what a word is has its own version in words.py
        "candidates": 3,  # best passages of judged questions, without the relevant ones
        "codes": 2,  # of passages; what a quantizer makes of a vector is of the quantizer's own version
        "fit": 2,  # trainings of encoders: training/
        "labels": 1,  # pseudo labels: labels/pseudo.py
        "language": 1,  # that of the passages: data/languages.py
        "measurement": 1,  # latency and throughput: metrics/cost.py
        "nearest": 2,  # best passages of questions that are to be labelled
        "negatives": 1,  # hard negatives mined by BM25
        "pretrained": 1,  # an encoder as it comes: nothing is stored, its key is an input of others
        "quantizer": 1,  # fitted on vectors, or learned with an encoder; besides each quantizer's own version
        "ranking": 2,  # searches: indexes/
        "scored": 2,  # a teacher's scores: labels/scoring.py
        "scores": 1,  # metrics and run files: metrics/
        "structure": 1,  # hash tables
        "teacher": 4,  # trainings of cross-encoders: training/ and labels/teaching.py
        "tokens": 2,  # encoders/tokens.py
        "vectors": 2,  # encoding.py
    }
)
