"""Locality-centric sampling, breadth first: the oldest query of the frontier is next (BiDR: Xiao et al., WWW 2022)."""

from dataclasses import dataclass
from typing import ClassVar

from .walked import Walked


@dataclass(frozen=True)
class Snowball(Walked):
    """Visits all queries that share a candidate drawn for a query before those that share one of theirs."""

    newest_first: ClassVar = False
