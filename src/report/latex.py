"""A table for a paper: LaTeX with booktabs."""

import re
from typing import Any

from .columns import Column
from .order import data_of
from .table import Layout, marks

ARROWS = {1: r"$^{\uparrow}$", -1: r"$^{\downarrow}$"}
IN_A_PAPER = ("bytes/passage", "ms/query p50")  # of what a system costs; the rest is in the CSV file
SPECIAL = {
    **{sign: "\\" + sign for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "[": "{[}",  # after a line's end it would begin an option
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    "▲": r"$\uparrow$",
    "▼": r"$\downarrow$",
    "–": "--",
    "−": "$-$",
}


def latex(shown: Layout, label: str, whole: bool = False) -> str:
    r"""The table as a `table` environment that needs the package booktabs alone, to be named by \ref{tab:`label`}.

    The best of each column is bold. A page is not wide, so that of what a system costs only bytes and milliseconds are
    kept, unless it is to be the `whole` table. The notes below the table become its caption.
    """
    marked = marks(shown)
    figures = [column for column in shown.figures if whole or column.title in IN_A_PAPER or "@" in column.title]
    table = [*shown.names, *figures]
    body = []
    for number, row in enumerate(shown.rows):
        if number and data_of(row) != data_of(shown.rows[number - 1]):
            body.append(r"\midrule")
        body.append(_line(_cell(column, row, bool(marked.get((number, column.head)))) for column in table))
    notes = [*(["Bold: best of its column"] if any(marked.values()) else []), *shown.told]
    notes += [f"The same in all rows: {shown.caption}"] if shown.caption else []
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{'. '.join(map(escape, notes))}.}}" if notes else r"\caption{}",
            rf"\label{{tab:{re.sub(r'[^A-Za-z0-9:-]', '-', label)}}}",
            rf"\begin{{tabular}}{{{'l' * len(shown.names)}{'r' * len(figures)}}}",
            r"\toprule",
            _line(escape(column.title) for column in table),
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def escape(text: str) -> str:
    """Plain text as LaTeX that prints it: 50 % of a_b -> 50 \\% of a\\_b."""
    return "".join(SPECIAL.get(sign, sign) for sign in text)


def _line(cells: Any) -> str:
    return " & ".join(cells) + r" \\"


def _cell(column: Column, row: Any, best: bool) -> str:
    text = escape(column.text(row))
    text = rf"\textbf{{{text}}}" if best else text
    spread = column.brackets(row)
    return text + ARROWS.get(column.sign(row), "") + (rf" {{\scriptsize {escape(spread)}}}" if spread else "")
