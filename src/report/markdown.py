"""A table in Markdown."""

from .columns import Cell
from .layout import Layout


def markdown(shown: Layout) -> str:
    """The table with the best of each column in bold, its notes below."""
    heads = [column.title for column in shown.columns]
    aligned = ["---:" if column.best or column.number else ":---" for column in shown.columns]
    body = zip(*([_text(cell) for cell in shown.cells(column)] for column in shown.columns), strict=True)
    table = "".join(f"| {' | '.join(line)} |\n" for line in (heads, aligned, *body))
    return table + "".join(f"\n{note}\n" for note in shown.notes("**Bold**:"))


def _text(cell: Cell) -> str:
    text = cell.text.replace("|", "\\|")
    return f"{f'**{text}**' if cell.best else text} {cell.suffix}".rstrip()
