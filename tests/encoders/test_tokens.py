"""Token ids on disk against the tokenizer's own output."""

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from labrador.encoders.tokens import CHARACTERS, Form, Tokens, clipped, pad, tokenize, write_tokens

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
    assert tokenize(tokenizer, ["a sled"], 20, Form("query: ")) == [tokenizer("query: a sled")["input_ids"]]
    with_title, without = tokenize(tokenizer, [("a", "b"), ("", "b")], 20, Form("passage: "))
    assert with_title == tokenizer("passage: a", "b")["input_ids"]
    assert without == tokenizer("passage: b")["input_ids"]


def test_a_title_longer_than_the_limit_leaves_half_to_the_text(tokenizer):
    (ids,) = tokenize(tokenizer, [("ti " * 50, "te " * 50)], 21)
    separator = ids.index(tokenizer.sep_token_id)
    assert len(ids) == 21
    assert (separator - 1, 20 - separator - 1) == (9, 9)  # [CLS] 9 [SEP] 9 [SEP]


def byte_level():
    """A tokenizer of bytes, without special tokens around or between texts, as causal decoders have it."""
    made = Tokenizer(
        models.BPE(vocab={c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, merges=[])
    )
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return PreTrainedTokenizerFast(tokenizer_object=made)


LONG_TEXTS = [
    "The heron, number 12, turns the wheel.\n" * 300,
    "nospaces" * 1500,  # one word, longer than any that is known
    "犬も歩けば棒に当たる。" * 1000,
    " \t\n" * 3000 + "word " * 500,
    "a" + "\u0301" * 5000 + " and so on" * 400,  # one letter with many accents
    ("x " * 63 + "[SEP]") * 90,  # a special token spelled out, here and there over a cut
    ("xx" * 20 + "[SEP][MASK]") * 200,
    "Ab1.c,2-d!" * 1000,
    "wide    blanks" + " " * 4000 + "end. " * 500,
]


@pytest.mark.parametrize("count", [8, 33])
@pytest.mark.parametrize("text", LONG_TEXTS, ids=lambda text: repr(text[:12]))
def test_a_long_text_has_the_tokens_of_the_whole(tokenizer, text, count):
    for made in (tokenizer, byte_level()):
        whole = made(text, truncation=True, max_length=count)["input_ids"]
        assert tokenize(made, [text], count) == [whole]
        prefixed = made("passage: " + text, truncation=True, max_length=count)["input_ids"]
        assert tokenize(made, [text], count, Form("passage: ")) == [prefixed]
    for pair in (("title", text), (text, "text")):
        whole = tokenizer(*pair, truncation="longest_first", max_length=count)["input_ids"]
        assert tokenize(tokenizer, [pair], count) == [whole]


def test_a_long_title_and_a_long_text_have_half_each(tokenizer):
    """The tokenizer itself would make every pair of their pieces, and fill the memory."""
    title, text = "The heron turns. " * 2000, "A lantern, number 12. " * 2000
    ids = [tokenizer(whole[:400], add_special_tokens=False)["input_ids"][:15] for whole in (title, text)]
    begin, end = tokenizer.cls_token_id, tokenizer.sep_token_id
    assert tokenize(tokenizer, [(title, text)], 33) == [[begin, *ids[0], end, *ids[1], end]]


def test_of_a_long_text_little_is_tokenized(tokenizer):
    text = "The heron, number 12, turns the wheel. " * 1000
    assert len(clipped(tokenizer, text, 64)) == CHARACTERS * 64
    assert clipped(tokenizer, text[:2000], 64) == text[:2000]


def test_where_a_tokenizer_has_no_separator_a_space_keeps_title_and_text_apart():
    made = byte_level()
    assert tokenize(made, [("Title", "text"), ("", "text")], 30) == [
        made("Title text")["input_ids"],
        made("text")["input_ids"],
    ]


class Wide:
    """A tokenizer that has more tokens than 15 bits can number."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def __len__(self):
        return 40_000

    def __call__(self, *texts, **settings):
        return self.tokenizer(*texts, **settings)


SEGMENTED = [("Malamute", "A large dog."), ("", "No title."), ("Title alone", ""), ("[SEP] in it", "text " * 50)]


def test_segments_are_the_tokenizers_token_types(tmp_path, tokenizer):
    tokens = write_tokens([SEGMENTED], 4, tokenizer, 20, tmp_path, Form(segments=True))
    given = tokenizer(*map(list, zip(*SEGMENTED, strict=True)), truncation="longest_first", max_length=20, padding=True)
    ids, mask, types = pad(tokens.slice(0, 4), tokenizer.pad_token_id, segments=True)
    assert (ids.tolist(), mask.tolist()) == (given["input_ids"], given["attention_mask"])
    assert types.tolist() == given["token_type_ids"]
    assert np.load(tmp_path / "ids.npy").dtype == np.uint16
    wide = write_tokens([SEGMENTED], 4, Wide(tokenizer), 20, tmp_path / "wide", Form(segments=True))
    assert np.load(tmp_path / "wide" / "ids.npy").dtype == np.uint32
    assert [part.tolist() for part in pad(wide.slice(0, 4), 0, segments=True)] == [
        part.tolist() for part in (ids, mask, types)
    ]


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
    ids, mask, types = pad([np.array([5, 6, 7], np.uint16), np.array([8], np.uint16)], 9)
    assert ids.tolist() == [[5, 6, 7], [8, 9, 9]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert types is None
    assert str(ids.dtype) == str(mask.dtype) == "torch.int64"
