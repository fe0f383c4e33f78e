"""The order in which rows stand in a table."""

import re
from typing import Any

from ..results import Data, ResultRow


def data_of(row: Any) -> Data | None:
    """What a row was measured on; None of no result row."""
    return row.scored_on if isinstance(row, ResultRow) else None


def order(row: ResultRow) -> tuple:
    """The place of a row: by data, retriever, the largest codes first, then by name (opq8 before opq16), then seed."""
    data = (_natural(row.data), row.passages, row.queries, row.scored_on.key)
    names = (row.quantizer, row.search, row.sampler, row.encoder, row.train)
    settings = [_natural(f"{key}={value}") for key, value in sorted(row.settings.items())]
    size = -(row.bytes_per_passage or 0)
    return (*data, _natural(row.retriever), size, *map(_natural, names), settings, row.seed)


def _natural(name: str | None) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name or "")]
