"""The bipartite proximity graph of queries and their candidates, and walks over it (BiDR: Xiao et al., WWW 2022).

numba compiles the loops and takes a second to load: import this module only where a walk begins.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from .shuffled import NONE, Rows

compiled = numba.njit(nogil=True, cache=True)


class ProximityGraph(NamedTuple):
    """Queries and their candidates, in both directions.

    The candidates of the query at place q are the first `depth` of list rows[q]; passage p is a candidate of the
    queries at places queries[starts[p]:starts[p + 1]], in ascending order.
    """

    values: Rows  # list i is values[offsets[i]:offsets[i + 1]]
    offsets: Rows
    rows: Rows  # [Q]
    depth: int
    queries: NDArray[np.int32] | Rows  # [edges]; int64 where the places of the queries need it
    starts: Rows  # [passages + 1]

    @classmethod
    def of(cls, candidates: Ragged, rows: Rows, depth: int, passages: int) -> "ProximityGraph":
        """Invert the first `depth` candidates of the queries `rows` [Q], in two passes over them.

        Holds 4 bytes per edge and 8 per passage of the corpus; memory-mapped candidates are not copied.
        Raises ValueError when a query has no list, or a candidate is outside [0, passages).
        """
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(candidates):
            raise ValueError(f"queries span rows {rows.min()}..{rows.max()}, expected 0..{len(candidates) - 1}")
        values, offsets, rows = _plain(candidates.values), _plain(candidates.offsets), _plain(rows)
        starts = np.zeros(passages + 2, np.int64)
        unfit = _count(values, offsets, rows, depth, starts)
        if unfit != NONE:
            raise ValueError(f"candidate {candidates.values[unfit]}: expected a passage row in 0..{passages - 1}")
        places = np.int32 if len(rows) <= np.iinfo(np.int32).max else np.int64
        queries = np.empty(starts[-1], places)
        _fill(values, offsets, rows, depth, starts, queries)
        return cls(values, offsets, rows, depth, queries, starts[:-1])

    def walk(
        self, positives: Rows, chance: NDArray[np.float64], newest_first: bool, batch_size: int
    ) -> tuple[Rows, Rows]:
        """The places [Q] of all queries in the order of their visits, and the candidates [Q, n] drawn for each place.

        positives [Q]: the passages that enter a batch with each query; chance [Q, n], numbers in [0, 1), decides what
        is drawn, uniformly among the candidates that the batch does not hold; NONE once they run out.
        A visit appends all unvisited queries that share a drawn candidate to the frontier; the next visit takes the
        newest of the frontier, or the oldest. When the frontier is empty, as at the start of every batch of
        `batch_size` visits, the first unvisited query is taken: with queries in random order, a random one.

        The frontier holds passages instead of their queries, with the number of queries taken of each, counted from the
        end of the list where the newest come first. A query taken once has been visited, so the frontier looks at every
        edge at most once and has at most Q n places.
        Raises ValueError when the numbers do not fit the graph.
        """
        passages = len(self.starts) - 1
        if not len(positives) == len(chance) == len(self.rows) or (
            positives.size and not 0 <= positives.min() <= positives.max() < passages
        ):
            raise ValueError(
                f"{len(positives)} queries' positives in {positives.min(initial=0)}..{positives.max(initial=0)}: "
                f"expected {len(self.rows)}, and passage rows in 0..{passages - 1}"
            )
        return _walk(self, positives, chance, newest_first, batch_size)


def _plain(array: Rows) -> Rows:
    """The array itself, read-only and not as a memory map: numba compiles one version for both."""
    view = array.view(np.ndarray)
    view.flags.writeable = False
    return view


@compiled
def _count(values: Rows, offsets: Rows, rows: Rows, depth: int, starts: Rows) -> int:
    """Write into starts [passages + 2], all zeros, where the queries of each passage begin, shifted by one place.

    Returns the index in `values` of a candidate that is not a passage, NONE if there is none.
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
    """Write the places of each passage's queries into queries [edges]; moves the starts to their places."""
    for place in range(len(rows)):
        row = rows[place]
        for edge in range(offsets[row], min(offsets[row + 1], offsets[row] + depth)):
            target = starts[values[edge] + 1]  # the end of this passage's queries so far, its start in the end
            queries[target] = place
            starts[values[edge] + 1] = target + 1


@compiled
def _walk(
    graph: ProximityGraph, positives: Rows, chance: NDArray[np.float64], newest_first: bool, batch_size: int
) -> tuple[Rows, Rows]:
    """`ProximityGraph.walk`."""
    values, offsets, rows, depth, queries, starts = graph
    order = np.empty(len(rows), np.int64)
    drawn = np.full((len(rows), chance.shape[1]), NONE, np.int64)
    taken = np.zeros(len(starts) - 1, queries.dtype)  # how many queries of each passage the frontier gave
    held = np.zeros(len(starts) - 1, np.int32)  # the last batch that holds a passage, from 1
    visited = np.zeros(len(order), np.bool_)
    frontier = np.empty(drawn.size, np.int64)
    free = np.empty(depth, np.int64)  # candidates of a query that the batch does not hold
    oldest, newest, visits = 0, 0, 0  # the frontier is frontier[oldest:newest]
    for first in range(len(order)):
        place = first
        while not visited[place]:
            visited[place] = True
            order[visits] = place
            batch = visits // batch_size + 1
            visits += 1
            held[positives[place]] = batch
            left = 0
            for edge in range(offsets[rows[place]], min(offsets[rows[place] + 1], offsets[rows[place]] + depth)):
                if held[values[edge]] != batch:
                    free[left] = values[edge]
                    left += 1
            for column in range(min(left, drawn.shape[1])):
                pick = int(chance[place, column] * left)
                passage = free[pick]
                left -= 1
                free[pick] = free[left]
                drawn[place, column] = passage
                held[passage] = batch
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
    return order, drawn
