"""Codes to ranked passages.

`of` picks the index that scans given codes, on the CPU or on a GPU (gpu.py). scan, two_stage and hash_lookup are the
searches that a run composes. rerank scores the candidates of a first stage again, ties is the rule for equal scores,
bm25 ranks by terms instead of codes.
"""

from .kinds import of

__all__ = ["of"]
