"""Data inside HTML: read back, and never taken for markup."""

import base64
import gzip
import hashlib
import json
import re

import numpy as np
import pytest
from made_runs import MARKUP

from labrador.page.blocks import Blocks, csp_hash, json_element


@pytest.mark.parametrize("text", [MARKUP, "<!-- <script>", "]]>", "a\u2028b\u2029c", "ümlaut 漢字 \x00", "\\u003c"])
def test_json_holds_any_text_and_ends_where_it_should(text):
    element = json_element("summary", {"text": text})
    inner = re.fullmatch(r'<script type="application/json" id="summary">([^<>&]*)</script>\n', element)
    assert json.loads(inner[1]) == {"text": text}


def test_lone_surrogates_do_not_keep_a_page_from_being_written():
    assert json_element("x", "a\ud800b").encode() == b'<script type="application/json" id="x">"a?b"</script>\n'


def unpacked(element):
    found = re.fullmatch(r'<script type="text/plain" id="([^"]*)">([A-Za-z0-9+/=]*)</script>\n', element)
    return found[1], gzip.decompress(base64.b64decode(found[2]))


def test_values_are_packed_and_read_back():
    blocks = Blocks()
    size = blocks.add_json("g0-a", [MARKUP])
    name, data = unpacked(blocks.html())
    assert (name, json.loads(data)) == ("g0-a", [MARKUP])
    assert size == blocks.size == len(blocks.html())


def test_arrays_are_little_endian_row_by_row():
    blocks = Blocks()
    blocks.add_array("b", np.array([[1, 2], [3, 770]], dtype=">u2")[:, ::-1])
    assert unpacked(blocks.html())[1] == bytes([2, 0, 1, 0, 2, 3, 3, 0])


def test_the_same_value_gives_the_same_block():
    first, second = Blocks(), Blocks()
    first.add_json("a", {"b": 1})
    second.add_json("a", {"b": 1})
    assert first.html() == second.html()


def test_the_hash_of_a_script():
    digest = base64.b64encode(hashlib.sha256(b"alert(1)").digest()).decode()
    assert csp_hash("alert(1)") == f"'sha256-{digest}'"
