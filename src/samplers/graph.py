"""The bipartite proximity graph of queries and their candidates, and walks over it (BiDR: Xiao et al., WWW 2022).

The loops are compiled by numba, which takes a second to load: import this module only where a walk begins.
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from ..data.ragged import Ragged
from .shuffled import NONE, Rows

compiled = numba.njit(nogil=True, cache=True)


@dataclass(frozen=True)
class ProximityGraph:
    """Of which queries a passage is a candidate: those of passage p are queries[starts[p]:starts[p + 1]].

    A query is named by its place in the `rows` that the graph was built from; a passage's queries rise.
    """

    queries: NDArray[np.int32] | Rows  # [edges]; int64 where the places of the queries need it
    starts: Rows  # [passages + 1]
    size: int  # how many queries were given

    @classmethod
    def of(cls, candidates: Ragged, rows: Rows, depth: int, passages: int) -> "ProximityGraph":
        """Invert the first `depth` candidates of the queries in `rows` [Q], by counting, in two passes over them.

        Holds 4 bytes per edge and 8 per passage of the corpus; memory-mapped candidates are read where they are.
        Raises ValueError when a row has no list, or a candidate is outside [0, passages).
        """
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(candidates):
            raise ValueError(f"queries span rows {rows.min()}..{rows.max()}, expected 0..{len(candidates) - 1}")
        values, offsets = _plain(candidates.values), _plain(candidates.offsets)
        starts = np.zeros(passages + 2, np.int64)
        unfit = _count(values, offsets, _plain(rows), depth, starts)
        if unfit != NONE:
            raise ValueError(f"candidate {values[unfit]}: expected a passage row in 0..{passages - 1}")
        places = np.int32 if len(rows) <= np.iinfo(np.int32).max else np.int64
        queries = np.empty(starts[-1], places)
        _fill(values, offsets, _plain(rows), depth, starts, queries)
        return cls(queries, starts[:-1], len(rows))

    def walk(self, drawn: Rows, newest_first: bool, batch_size: int) -> Rows:
        """The places [Q] of all queries in the order of their visits, given each query's drawn candidates [Q, n].

        A visit appends to the frontier all unvisited queries that share a drawn candidate; the next visit takes the
        newest of the frontier, or the oldest. While the frontier is empty, as it is at the start of every batch of
        `batch_size` visits, the first unvisited query is taken: with queries in random order, a random one. NONE is
        not walked.

        The frontier holds passages in place of their queries, and each passage how many of its queries were taken, from
        the end of the list where the newest come first. That gives the same order, since a visited query stays visited:
        what was taken of a passage once would be skipped when it is appended again. So every edge is looked at once at
        most, and the frontier has Q n places at most.
        Raises ValueError when `drawn` does not fit the graph.
        """
        passages = len(self.starts) - 1
        if len(drawn) != self.size or (drawn.size and not NONE <= drawn.min() <= drawn.max() < passages):
            raise ValueError(
                f"{len(drawn)} queries' drawn candidates in {drawn.min(initial=0)}..{drawn.max(initial=0)}: "
                f"expected {self.size}, and passage rows in 0..{passages - 1} or {NONE}"
            )
        taken = np.zeros(passages, self.queries.dtype)
        frontier = np.empty(drawn.size, np.int64)
        order = np.empty(self.size, np.int64)
        visited = np.zeros(self.size, np.bool_)
        graph = self.queries, self.starts, np.ascontiguousarray(drawn)
        _walk(*graph, newest_first, batch_size, taken, frontier, visited, order)
        return order


def _plain(array: Rows) -> Rows:
    """The array itself, read-only and not as a memory map: numba compiles one version for both."""
    view = array.view(np.ndarray)
    view.flags.writeable = False
    return view


@compiled
def _count(values: Rows, offsets: Rows, rows: Rows, depth: int, starts: Rows) -> int:
    """Write into starts [passages + 2], given as zeros, where the queries of each passage begin, one place behind.

    Returns where in `values` a candidate is no passage, NONE if nowhere.
    """
    passages = len(starts) - 2
    for row in rows:
        for edge in range(offsets[row], min(offsets[row + 1], offsets[row] + depth)):
            if not 0 <= values[edge] < passages:
                return edge
            starts[values[edge] + 2] += 1
    for passage in range(passages):
        starts[passage + 2] += starts[passage + 1]
    return NONE


@compiled
def _fill(values: Rows, offsets: Rows, rows: Rows, depth: int, starts: Rows, queries: NDArray[np.int32] | Rows) -> None:
    """Write the places of the passages' queries into queries [edges]; moves each start in `starts` into its place."""
    for place in range(len(rows)):
        row = rows[place]
        for edge in range(offsets[row], min(offsets[row + 1], offsets[row] + depth)):
            target = starts[values[edge] + 1]  # the end of this passage's queries so far, its start in the end
            queries[target] = place
            starts[values[edge] + 1] = target + 1


@compiled
def _walk(
    queries: NDArray[np.int32] | Rows,
    starts: Rows,
    drawn: Rows,
    newest_first: bool,
    batch_size: int,
    taken: NDArray[np.int32] | Rows,
    frontier: Rows,
    visited: NDArray[np.bool_],
    order: Rows,
) -> None:
    """Write the order of visits into order [Q]; taken [passages] and visited [Q] are given as zeros."""
    oldest, newest, visits = 0, 0, 0  # the frontier is frontier[oldest:newest]
    for first in range(len(order)):
        place = first
        while not visited[place]:
            visited[place] = True
            order[visits] = place
            visits += 1
            for passage in drawn[place]:
                if passage != NONE:
                    frontier[newest] = passage
                    newest += 1
            if visits % batch_size == 0:
                oldest = newest
            while oldest < newest and visited[place]:
                passage = frontier[newest - 1] if newest_first else frontier[oldest]
                start, end = starts[passage], starts[passage + 1]
                while start + taken[passage] < end and visited[place]:
                    taken[passage] += 1
                    place = queries[end - taken[passage]] if newest_first else queries[start + taken[passage] - 1]
                if visited[place]:  # none is left
                    if newest_first:
                        newest -= 1
                    else:
                        oldest += 1
