"""A table for a paper: LaTeX with booktabs."""

import re
from collections.abc import Iterable

from .columns import Cell
from .layout import Layout

ARROWS = {1: r"$^{\uparrow}$", -1: r"$^{\downarrow}$"}
SPECIAL = {
    **{sign: "\\" + sign for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "[": "{[}",  # after the end of a line it would begin an option
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
    r"""The table as a `table` environment for \ref{tab:`label`} that needs only the package booktabs.

    The best of each column is bold, the notes are the caption. A page is narrow, so only quality and the costs that
    figures plot are kept, unless the `whole` table is wanted.
    """
    columns = [*shown.names, *(column for column in shown.figures if whole or column.brief)]
    lines = zip(*([_text(cell) for cell in shown.cells(column)] for column in columns), strict=True)
    body = [line for cells, end in zip(lines, shown.ends, strict=True) for line in (_line(cells), *[r"\midrule"] * end)]
    caption = "".join(f"{escape(note)}. " for note in shown.notes("Bold:")).rstrip()
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            rf"\label{{tab:{re.sub(r'[^A-Za-z0-9:-]', '-', label)}}}",
            rf"\begin{{tabular}}{{{'l' * len(shown.names)}{'r' * (len(columns) - len(shown.names))}}}",
            r"\toprule",
            _line(escape(column.title) for column in columns),
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


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _text(cell: Cell) -> str:
    text = rf"\textbf{{{escape(cell.text)}}}" if cell.best else escape(cell.text)
    return text + ARROWS.get(cell.sign, "") + (rf" {{\scriptsize {escape(cell.spread)}}}" if cell.spread else "")
