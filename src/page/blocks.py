"""Data inside an HTML file: JSON that no parser mistakes for markup, and gzipped bytes for the browser to unpack."""

import base64
import gzip
import hashlib
import html
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 9  # of gzip: a page is written once and opened often


def json_element(name: str, value: Any) -> str:
    """A script element with `value` as JSON, which browsers do not run.

    "<", ">" and "&" are escaped, so that no text can end the element or begin a comment.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    text = text.encode("utf-8", "replace").decode("utf-8")  # no lone surrogates, which a file cannot hold
    return f'<script type="application/json" id="{html.escape(name)}">{text}</script>\n'


class Blocks:
    """The packed data of a page, each block a script element that is unpacked by name."""

    def __init__(self) -> None:
        self._elements: list[str] = []

    def add_json(self, name: str, value: Any) -> int:
        """Pack a value; returns the block's size in the file, in bytes."""
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return self._add(name, text.encode("utf-8", "replace"))

    def add_array(self, name: str, values: NDArray[Any]) -> int:
        """Pack an array of unsigned numbers, little-endian and row by row; returns the block's bytes in the file."""
        return self._add(name, np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes())

    def html(self) -> str:
        """All elements."""
        return "".join(self._elements)

    @property
    def size(self) -> int:
        """The size of all elements, in bytes."""
        return sum(map(len, self._elements))

    def _add(self, name: str, data: bytes) -> int:
        packed = base64.b64encode(gzip.compress(data, LEVEL, mtime=0)).decode("ascii")
        self._elements.append(f'<script type="text/plain" id="{html.escape(name)}">{packed}</script>\n')
        return len(self._elements[-1])


def csp_hash(code: str) -> str:
    """The source expression that lets a page with a content security policy run this inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode('ascii')}'"
