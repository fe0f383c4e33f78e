"""The order in which rows stand in a table."""

import re
from typing import Any

from .rows import ResultRow


def data_of(row: Any) -> tuple[str, int, int] | None:
    """What a row was measured on: the data's name, its passages and the questions that count; None of no result row."""
    return (row.data, row.passages, row.queries) if isinstance(row, ResultRow) else None


def order(row: ResultRow) -> tuple:
    """The place of a row: by data, retriever, the largest codes first, then by name (opq8 before opq16), then seed."""
    data = (_natural(row.data), row.passages, row.queries)
    names = (row.quantizer, row.search, row.sampler, row.encoder)
    settings = [_natural(f"{key}={value}") for key, value in sorted(row.settings.items())]
    size = -(row.bytes_per_passage or 0)
    return (*data, _natural(row.retriever), size, *map(_natural, names), settings, row.seed)


def _natural(name: str | None) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name or "")]
