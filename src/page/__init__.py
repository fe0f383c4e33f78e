"""A report as one HTML file that needs no network or other files: table, chart, significance, query browser.

    summary.py    what is shown at once: the table and the points of the chart
    browser.py    queries, rankings, judgements and texts, packed until the reader opens them
    rankings.py   the top of each ranking, from run.trec
    texts.py      queries and passages, from the corpora in the store
    blocks.py     data inside HTML
    page.html, page.css, *.js    the page itself

Its content security policy allows its own script and style, by their hashes, and nothing else.
"""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from math import isnan
from pathlib import Path
from typing import Any

from ..errors import LabradorError
from ..report.comparison import Comparison
from ..report.groups import Group, groups, with_metric
from ..report.per_query import PER_QUERY
from ..report.significance.differences import Matrix, matrix
from . import browser
from .blocks import Blocks, csp_hash, json_element
from .summary import summary

SCRIPTS = (
    "dom",
    "data",
    "state",
    "table",
    "chart",
    "points",
    "matrix",
    "queries",
    "passages",
    "main",
)  # in this order
MOST_PAIRS = 5000  # that are tested: 100 systems


def write_page(found: Comparison, file: Path, store: Path, title: str) -> list[str]:
    """Write the page of a comparison to `file`; returns a line on each part that was left out.

    store: the runs' store, which has their corpora. Raises LabradorError if the file cannot be written, a run's files
    cannot be read, or no system has a metric.
    """
    blocks = Blocks()
    shown, notes = with_metric(groups(found.systems), found.metrics)
    if not shown:
        raise LabradorError("a page needs a metric, and none of these results has one; name other runs")
    values = []
    for number, (group, _) in enumerate(shown):
        value = summary(group, found.metrics, found.differences)
        value["matrices"] = _add_matrices(blocks, number, group, value["metrics"], notes)
        value["browser"], more = browser.add(blocks, number, group, store, browser.BUDGET // len(shown))
        notes += more
        values.append(value)
    data = {"title": title, "explanation": list(found.explanation), "groups": values, "notes": notes}
    try:
        file.write_text(_assemble(title, data, blocks), encoding="utf-8")
    except OSError as error:
        raise LabradorError(f"{file}: cannot be written ({error.strerror}); name another file") from error
    return notes


def _add_matrices(blocks: Blocks, number: int, group: Group, metrics: Sequence[str], notes: list[str]) -> list[str]:
    """Pack the significance of all pairs, a block for each metric; returns the metrics that have one."""
    missing = [file for system in group.systems for file in system.files if not file.with_name(PER_QUERY).exists()]
    pairs = len(group.systems) * (len(group.systems) - 1) // 2
    if missing or not 0 < pairs <= MOST_PAIRS:
        why = f"there is no {PER_QUERY} next to {missing[0]}" if missing else f"{pairs:,} pairs of systems"
        notes.append(f"{group.slug}: pairs of systems were not tested ({why})")
        return []
    for metric in metrics:
        blocks.add_json(f"g{number}-matrix-{metric}", _packed(matrix(group.systems, metric), group))
    return list(metrics)


def _packed(tested: Matrix, group: Group) -> dict[str, Any]:
    """The systems that were tested, and difference and p of each pair below the diagonal, row by row."""
    labels = [system.label for system in group.systems]
    below = [(i, j) for i in range(len(tested.labels)) for j in range(i)]
    return {
        "systems": [labels.index(label) for label in tested.labels],
        "differences": [round(float(tested.differences[pair]), 6) for pair in below],
        "p": [_rounded(float(tested.p_holm[pair])) for pair in below],
    }


def _rounded(p: float) -> float | None:
    """p to three digits; None for a single seed, which is not tested."""
    return None if isnan(p) else float(f"{p:.3g}")


def _assemble(title: str, data: dict[str, Any], blocks: Blocks) -> str:
    """The file: the page's HTML with style, summary, script and packed data filled in.

    The packed data come last, so that the browser draws the page before reading them.
    """
    folder = files(__package__)
    style = folder.joinpath("page.css").read_text(encoding="utf-8")
    parts = [folder.joinpath(f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    script = f'"use strict";\n(() => {{\n{"".join(parts)}}})();\n'
    policy = (
        f"default-src 'none'; script-src {csp_hash(script)}; style-src {csp_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    places = {"title": escape(title), "policy": escape(policy), "style": style, "script": script}
    places |= {"summary": json_element("summary", data), "data": blocks.html()}
    page = folder.joinpath("page.html").read_text(encoding="utf-8")
    pieces = page.split("%%")  # %%name%%: every second piece is the name of a place
    return "".join(places[piece] if number % 2 else piece for number, piece in enumerate(pieces))
