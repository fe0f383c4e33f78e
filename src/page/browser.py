"""What the query browser shows, packed: queries, every system's top passages, judgements, scores, texts.

The blocks of a group g are called "g-NAME". Queries are numbered by their position in `queries`, passages by first
appearance, query by query, so that the texts a query needs are in one or two blocks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..report.groups import Group
from ..report.per_query import PER_QUERY, per_query
from ..report.systems import System
from .blocks import Blocks
from .rankings import RUN, top
from .texts import Passage, Query, open_texts

K = 10  # passages shown for each ranking
RELEVANT = 5  # relevant passages shown for each query, found or not
CHUNK = 500  # passages in a block of texts
CUTS = (600, 400, 280, 200, 140, 100)  # maximum length of a text, in characters; the longest that fits the budget
BUDGET = 20_000_000  # maximum size of a page's texts, in bytes
SAMPLE = 40  # blocks of texts packed to choose their length
NONE = 65_535  # no score


@dataclass(frozen=True)
class Pools:
    """Each query's pool: the passages that are relevant or that any system ranks in its top K.

    pids [P] of all queries in order of first appearance; pools: the numbers of each query's passages; ranks uint16
    [Q, S, K]: the position in the query's pool, from 1, of each system's passages, 0 = none.
    """

    pids: list[str]
    pools: list[list[int]]
    ranks: NDArray[np.uint16]


def add(blocks: Blocks, number: int, group: Group, store: Path, budget: int) -> tuple[dict[str, Any] | None, list[str]]:
    """Add the blocks of a group; returns what the page must know about them (None without any run file), and notes."""
    missing = [system for system in group.systems if not system.files[0].with_name(RUN).exists()]
    shown = [system for system in group.systems if system not in missing]
    number_of = f"{len(missing)} of {len(group.systems)} systems" if len(missing) > 1 else "one system"
    notes = []
    if missing:
        notes.append(f"{group.slug}: no queries for {number_of}, since there is no {RUN} next to {missing[0].files[0]}")
    if not shown:
        return None, notes
    texts = open_texts(shown, store)
    if not texts:
        notes.append(
            f"{group.slug}: ids without texts, as the corpus is not in the store {store} (--store names another)"
        )
    tops = [top(system.files[0].with_name(RUN), K) for system in shown]
    qids = list(dict.fromkeys(qid for found in tops for qid in found))
    queries = texts.queries(qids)
    pools = pool(qids, tops, queries)
    name = f"g{number}"
    before = blocks.size
    blocks.add_json(
        f"{name}-queries",
        {
            "qids": qids,
            "texts": [queries[qid].text if qid in queries else "" for qid in qids],
            "answers": [list(queries[qid].answers) if qid in queries else [] for qid in qids],
            "relevant": [_relevant(queries[qid]) if qid in queries else 0 for qid in qids],
        },
    )
    _add_pools(blocks, name, qids, pools, queries)
    _add_scores(blocks, name, group, shown, qids)
    cut = _add_texts(blocks, name, pools.pids, texts.passages(pools.pids), budget)
    return {
        "systems": [group.systems.index(system) for system in shown],
        "seeds": [system.seeds[0] for system in shown],
        "queries": len(qids),
        "k": K,
        "judged": texts.judged,
        "texts": bool(texts),
        "cut": cut,
        "chunk": CHUNK,
        "bytes": blocks.size - before,
    }, notes


def _relevant(query: Query) -> int:
    """The number of passages relevant to it."""
    return sum(grade > 0 for grade in query.grades.values())


def pool(qids: Sequence[str], tops: Sequence[Mapping[str, list[str]]], queries: Mapping[str, Query]) -> Pools:
    """Pool the top passages `tops` (a mapping for each system) of each query with its relevant ones."""
    numbers: dict[str, int] = {}
    pools: list[list[int]] = []
    ranks = np.zeros((len(qids), len(tops), K), dtype=np.uint16)
    for q, qid in enumerate(qids):
        places: dict[str, int] = {}
        grades = queries[qid].grades if qid in queries else {}
        relevant = [pid for pid, grade in grades.items() if grade > 0][:RELEVANT]
        for pid in relevant:
            places.setdefault(pid, len(places))
        for s, found in enumerate(tops):
            for rank, pid in enumerate(found.get(qid, ())):
                ranks[q, s, rank] = places.setdefault(pid, len(places)) + 1
        pools.append([numbers.setdefault(pid, len(numbers)) for pid in places])
    return Pools(list(numbers), pools, ranks)


def _add_pools(blocks: Blocks, name: str, qids: Sequence[str], pools: Pools, queries: Mapping[str, Query]) -> None:
    """Ranks; sizes of the pools; their passages; their grades.

    A passage is 0 at its first appearance and then how far back its number is, which packs well. A grade is 0 for an
    unjudged passage, else the grade plus 1.
    """
    fresh = 0
    back, grades = [], []
    for qid, members in zip(qids, pools.pools, strict=True):
        known = queries[qid].grades if qid in queries else {}
        for number in members:
            back.append(0 if number == fresh else fresh - number)
            fresh += number == fresh
            grade = known.get(pools.pids[number])
            grades.append(0 if grade is None else 1 + min(max(grade, 0), 254))
    blocks.add_array(f"{name}-ranks", pools.ranks)
    blocks.add_array(f"{name}-sizes", np.array([len(members) for members in pools.pools], dtype=np.uint32))
    blocks.add_array(f"{name}-pools", np.array(back, dtype=np.uint32))
    blocks.add_array(f"{name}-grades", np.array(grades, dtype=np.uint8))


def _add_scores(blocks: Blocks, name: str, group: Group, shown: Sequence[System], qids: Sequence[str]) -> None:
    """A block for each metric, uint16 [S, Q]: the score of the shown run in steps of 1 / 65,534, NONE = no score."""
    available = [system.files[0].with_name(PER_QUERY).exists() for system in shown]
    for metric in group.metrics:
        scores = np.full((len(shown), len(qids)), NONE, dtype=np.uint16)
        for line, system, there in zip(scores, shown, available, strict=True):
            if there and system.rows[0].metrics.get(metric) is not None:
                values = dict(zip(*per_query(system.files[0], metric), strict=True))
                own = np.array([values.get(qid, np.nan) for qid in qids], dtype=np.float64)
                scored = ~np.isnan(own)
                line[scored] = np.rint(own[scored].clip(0, 1) * (NONE - 1)).astype(np.uint16)
        blocks.add_array(f"{name}-scores-{metric}", scores)


def _add_texts(blocks: Blocks, name: str, pids: Sequence[str], passages: Mapping[str, Passage], budget: int) -> int:
    """Add blocks of CHUNK passages, [pid, title, text] each; returns the maximum length of their texts."""
    starts = range(0, len(pids), CHUNK)

    def chunk(start: int, cut: int) -> list[list[str]]:
        return [_cut(pid, passages.get(pid), cut) for pid in pids[start : start + CHUNK]]

    sample = starts[:: max(1, len(starts) // SAMPLE)]
    for cut in CUTS:
        trial = Blocks()
        size = sum(trial.add_json("", chunk(start, cut)) for start in sample)
        if size * len(starts) / max(1, len(sample)) <= budget:
            break
    for number, start in enumerate(starts):
        blocks.add_json(f"{name}-texts-{number}", chunk(start, cut))
    return cut


def _cut(pid: str, passage: Passage | None, cut: int) -> list[str]:
    """A passage as it is shown, title and text cut between words to at most `cut` characters."""
    return [pid] if passage is None else [pid, _shortened(passage.title, cut), _shortened(passage.text, cut)]


def _shortened(text: str, cut: int) -> str:
    if len(text) <= cut:
        return text
    words = text[:cut].rsplit(None, 1)
    return f"{words[0] if words else ''}\N{HORIZONTAL ELLIPSIS}"
