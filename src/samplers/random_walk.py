"""Locality-centric sampling, depth first: the newest query of the frontier is next (BiDR: Xiao et al., WWW 2022)."""

from typing import ClassVar

from ..settings import component
from .walked import Walked


@component
class RandomWalk(Walked):
    """Goes from a query to one that shares a candidate drawn for it, and back only where there is none."""

    newest_first: ClassVar = True
