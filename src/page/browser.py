"""What the query browser shows, packed: questions, every system's top passages, judgements, figures, texts.

All of one group g lie in blocks "g-NAME". Questions are numbered by their place in `questions`, passages by their first
appearance, question by question, so that the texts a question needs lie in one or two blocks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..report.groups import Group
from ..report.systems import PER_QUERY, System, per_query
from .blocks import Blocks
from .rankings import RUN, top
from .texts import Passage, Question, open_texts

K = 10  # passages shown of a ranking
RELEVANT = 5  # relevant passages shown of a question, found or not
CHUNK = 500  # passages in a block of texts
CUTS = (600, 400, 280, 200, 140, 100)  # characters a text may have; the longest that fits the budget is taken
BUDGET = 20_000_000  # bytes that the texts of a page may take
SAMPLE = 40  # blocks of texts that are packed to see how long texts may be
NONE = 65_535  # a figure that does not count


@dataclass(frozen=True)
class Pools:
    """The passages that any system found for a question among its first, or that are relevant: its pool.

    pids [P] of all questions in order of first appearance; pools: the numbers of each question's passages; ranks uint16
    [Q, S, K]: the place in the question's pool, from 1, of each system's passages, 0 = none.
    """

    pids: list[str]
    pools: list[list[int]]
    ranks: NDArray[np.uint16]


def add(blocks: Blocks, number: int, group: Group, store: Path, budget: int) -> tuple[dict[str, Any] | None, list[str]]:
    """Add the blocks of a group; returns what the page must know of them, and notes.

    Without a run file there are none, and there is nothing to know.
    """
    shown = [system for system in group.systems if system.files[0].with_name(RUN).exists()]
    notes = [f"{group.slug}: {RUN} is not beside {system.files[0]}" for system in group.systems if system not in shown]
    if not shown:
        return None, notes
    texts = open_texts(shown, store)
    if not texts:
        notes.append(f"{group.slug}: the corpus is not in the store {store} (--store names another): ids without texts")
    tops = [top(system.files[0].with_name(RUN), K) for system in shown]
    qids = list(dict.fromkeys(qid for found in tops for qid in found))
    questions = texts.questions(qids)
    pools = pool(qids, tops, questions)
    name = f"g{number}"
    before = blocks.size
    blocks.add_json(
        f"{name}-questions",
        {
            "qids": qids,
            "texts": [questions[qid].text if qid in questions else "" for qid in qids],
            "answers": [list(questions[qid].answers) if qid in questions else [] for qid in qids],
            "relevant": [_relevant(questions[qid]) if qid in questions else 0 for qid in qids],
        },
    )
    _add_pools(blocks, name, qids, pools, questions)
    _add_figures(blocks, name, group, shown, qids)
    cut = _add_texts(blocks, name, pools.pids, texts.passages(pools.pids), budget)
    return {
        "systems": [group.systems.index(system) for system in shown],
        "seeds": [system.seeds[0] for system in shown],
        "questions": len(qids),
        "k": K,
        "judged": texts.judged,
        "texts": bool(texts),
        "cut": cut,
        "chunk": CHUNK,
        "bytes": blocks.size - before,
    }, notes


def _relevant(question: Question) -> int:
    """How many passages are relevant to it."""
    return sum(grade > 0 for grade in question.grades.values())


def pool(qids: Sequence[str], tops: Sequence[Mapping[str, list[str]]], questions: Mapping[str, Question]) -> Pools:
    """Pool the first passages `tops` (one mapping a system) of each question with its relevant ones."""
    numbers: dict[str, int] = {}
    pools: list[list[int]] = []
    ranks = np.zeros((len(qids), len(tops), K), dtype=np.uint16)
    for q, qid in enumerate(qids):
        places: dict[str, int] = {}
        grades = questions[qid].grades if qid in questions else {}
        relevant = [pid for pid, grade in grades.items() if grade > 0][:RELEVANT]
        for pid in relevant:
            places.setdefault(pid, len(places))
        for s, found in enumerate(tops):
            for rank, pid in enumerate(found.get(qid, ())):
                ranks[q, s, rank] = places.setdefault(pid, len(places)) + 1
        pools.append([numbers.setdefault(pid, len(numbers)) for pid in places])
    return Pools(list(numbers), pools, ranks)


def _add_pools(blocks: Blocks, name: str, qids: Sequence[str], pools: Pools, questions: Mapping[str, Question]) -> None:
    """Ranks; sizes of the pools; their passages; their grades.

    A passage is 0 where it appears for the first time and else how far back its number lies, which packs well. A grade
    is 0 where the passage is unjudged and else the grade and 1.
    """
    fresh = 0
    back, grades = [], []
    for qid, members in zip(qids, pools.pools, strict=True):
        known = questions[qid].grades if qid in questions else {}
        for number in members:
            back.append(0 if number == fresh else fresh - number)
            fresh += number == fresh
            grade = known.get(pools.pids[number])
            grades.append(0 if grade is None else 1 + min(max(grade, 0), 254))
    blocks.add_array(f"{name}-ranks", pools.ranks)
    blocks.add_array(f"{name}-sizes", np.array([len(members) for members in pools.pools], dtype=np.uint32))
    blocks.add_array(f"{name}-pools", np.array(back, dtype=np.uint32))
    blocks.add_array(f"{name}-grades", np.array(grades, dtype=np.uint8))


def _add_figures(blocks: Blocks, name: str, group: Group, shown: Sequence[System], qids: Sequence[str]) -> None:
    """One block a metric, uint16 [S, Q]: the figure of the shown run in steps of 1 / 65,534, NONE = does not count."""
    beside = [system.files[0].with_name(PER_QUERY).exists() for system in shown]
    for metric in group.metrics:
        figures = np.full((len(shown), len(qids)), NONE, dtype=np.uint16)
        for line, system, there in zip(figures, shown, beside, strict=True):
            if there and system.rows[0].metrics.get(metric) is not None:
                values = dict(zip(*per_query(system.files[0], metric), strict=True))
                told = np.array([values.get(qid, np.nan) for qid in qids], dtype=np.float64)
                counts = ~np.isnan(told)
                line[counts] = np.rint(told[counts].clip(0, 1) * (NONE - 1)).astype(np.uint16)
        blocks.add_array(f"{name}-figures-{metric}", figures)


def _add_texts(blocks: Blocks, name: str, pids: Sequence[str], passages: Mapping[str, Passage], budget: int) -> int:
    """Blocks of CHUNK passages, [pid, title, text] each; returns how long a text may be."""
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
    """A passage as it is shown, title and text cut between words where they are longer than `cut` characters."""
    return [pid] if passage is None else [pid, _shortened(passage.title, cut), _shortened(passage.text, cut)]


def _shortened(text: str, cut: int) -> str:
    if len(text) <= cut:
        return text
    words = text[:cut].rsplit(None, 1)
    return f"{words[0] if words else ''}\N{HORIZONTAL ELLIPSIS}"
