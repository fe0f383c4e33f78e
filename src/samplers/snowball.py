"""Locality-centric sampling, breadth first: the oldest query of the frontier is next (BiDR: Xiao et al., WWW 2022)."""

from typing import ClassVar

from ..settings import component
from .walked import Walked


@component
class Snowball(Walked):
    """Visits all queries that share a candidate drawn for a query before those that share one of theirs."""

    newest_first: ClassVar = False
