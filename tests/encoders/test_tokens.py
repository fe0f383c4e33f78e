"""Token ids on disk against the tokenizer's own output."""

import numpy as np
import pytest

from labrador.encoders.tokens import Tokens, pad, tokenize, write_tokens

PASSAGES = [
    ("Malamute", "The Alaskan Malamute is a large breed of dog."),
    ("", "A passage without a title."),
    ("Empty", ""),
    ("", ""),
    ("Long", "snow " * 100),
]


@pytest.fixture
def tokenizer(tiny):
    return tiny.tokenizer()


def test_tokens_on_disk_are_the_tokenizers(tmp_path, tokenizer):
    tokens = write_tokens([PASSAGES[:2], PASSAGES[2:]], len(PASSAGES), tokenizer, 40, tmp_path)
    expected = [
        tokenizer("Malamute", "The Alaskan Malamute is a large breed of dog.")["input_ids"],
        tokenizer("A passage without a title.")["input_ids"],
        tokenizer("Empty")["input_ids"],
        [tokenizer.cls_token_id, tokenizer.sep_token_id],
        tokenizer("Long", "snow " * 100, truncation="only_second", max_length=40)["input_ids"],
    ]
    assert [row.tolist() for row in tokens.slice(0, 5)] == expected
    assert [row.tolist() for row in tokens.rows([4, 1, 4])] == [expected[4], expected[1], expected[4]]
    assert len(expected[4]) == 40
    assert np.load(tmp_path / "ids.npy").dtype == np.uint16
    assert len(tokens) == 5


def test_batches_do_not_change_the_files(tmp_path, tokenizer):
    write_tokens([PASSAGES], 5, tokenizer, 40, tmp_path / "one")
    write_tokens([[passage] for passage in PASSAGES], 5, tokenizer, 40, tmp_path / "five")
    for name in ("ids.npy", "offsets.npy"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "five" / name).read_bytes()


def test_plain_texts_and_prefixes(tokenizer):
    assert tokenize(tokenizer, ["a sled"], 20, "query: ") == [tokenizer("query: a sled")["input_ids"]]
    with_title, without = tokenize(tokenizer, [("a", "b"), ("", "b")], 20, "passage: ")
    assert with_title == tokenizer("passage: a", "b")["input_ids"]
    assert without == tokenizer("passage: b")["input_ids"]


def test_a_title_longer_than_the_limit_leaves_half_to_the_text(tokenizer):
    (ids,) = tokenize(tokenizer, [("ti " * 50, "te " * 50)], 21)
    separator = ids.index(tokenizer.sep_token_id)
    assert len(ids) == 21
    assert (separator - 1, 20 - separator - 1) == (9, 9)  # [CLS] 9 [SEP] 9 [SEP]


def test_a_large_vocabulary_needs_four_bytes(tmp_path, tokenizer):
    tokenizer.add_tokens([f"word{number}" for number in range(70_000)])
    tokens = write_tokens([["word69999"]], 1, tokenizer, 20, tmp_path)
    assert np.load(tmp_path / "ids.npy").dtype == np.uint32
    assert tokens.slice(0, 1)[0][1] == len(tokenizer) - 1


@pytest.mark.parametrize("announced", [2, 4])
def test_a_wrong_total_is_an_error(tmp_path, tokenizer, announced):
    with pytest.raises(ValueError, match="announced"):
        write_tokens([["a", "b", "c"]], announced, tokenizer, 20, tmp_path)


def test_rows_and_slices_outside_are_refused(tmp_path, tokenizer):
    write_tokens([["a", "b"]], 2, tokenizer, 20, tmp_path)
    tokens = Tokens(tmp_path)
    assert tokens.slice(1, 1) == []
    assert tokens.rows([]) == []
    with pytest.raises(IndexError):
        tokens.slice(0, 3)
    with pytest.raises(IndexError):
        tokens.rows([-1])


def test_pad_fills_to_the_longest():
    ids, mask = pad([np.array([5, 6, 7], np.uint16), np.array([8], np.uint16)], 9)
    assert ids.tolist() == [[5, 6, 7], [8, 9, 9]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert str(ids.dtype) == str(mask.dtype) == "torch.int64"
