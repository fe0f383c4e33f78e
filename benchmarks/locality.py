"""How local batches are: whether passages drawn for one query are candidates of the others in its batch."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from labrador.arrays.ragged import Ragged
from labrador.samplers.base import Example
from labrador.samplers.batch import distinct_passages


def locality(batches: Iterable[list[Example]], candidates: Ragged) -> float:
    """The share of the others' passages in a query's batch that are its candidates, averaged over queries.

    The others' passages are the distinct positives and negatives of the batch without the query's own positive and
    drawn negatives, which would be candidates in any order of the queries. Further positives of the query count as
    passages that are not candidates. Queries whose batch has no other passage are left out. candidates: the lists that
    negatives are drawn from, cut at the sampler's depth. Raises ValueError when no query is left.
    """
    total, counted = 0.0, 0
    for examples in batches:
        shares = candidate_shares(examples, candidates)
        total, counted = total + float(shares.sum()), counted + len(shares)
    if not counted:
        raise ValueError("no batch has a passage besides a query's own; expected one with two queries")
    return total / counted


def candidate_shares(examples: list[Example], candidates: Ragged) -> NDArray[np.float64]:
    """The share of the others' passages that are candidates of each query of a batch, [B].

    A query without others' passages is left out.
    """
    passages = np.sort(distinct_passages(examples)[0])
    lists = candidates.take(np.array([example.query for example in examples], dtype=np.int64))
    places = np.minimum(np.searchsorted(passages, lists.values), len(passages) - 1)
    here = passages[places] == lists.values
    wanted = np.zeros((len(examples), len(passages)), dtype=np.bool_)
    wanted[np.repeat(np.arange(len(examples)), lists.lengths)[here], places[here]] = True
    others = np.ones_like(wanted)
    for row, example in enumerate(examples):
        others[row, np.searchsorted(passages, [example.positive, *example.negatives])] = False
    counts = others.sum(axis=1)
    found = (wanted & others).sum(axis=1)
    shares: NDArray[np.float64] = found[counts > 0] / counts[counts > 0]
    return shares
