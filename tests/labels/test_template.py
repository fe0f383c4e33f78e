"""Pairs joined from stored token ids equal the tokenizers' own."""

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, RobertaTokenizerFast

from labrador.encoders.tiny import Tiny
from labrador.encoders.tokens import Ids, tokenize
from labrador.errors import LabradorError
from labrador.labels.template import Template

BERT = Tiny().tokenizer()
QUESTIONS = ["who keeps the dog?", "why", "", "one"]
PASSAGES = ["The dog is kept by Anna Müller.", "", "Snow.", "two"]


def byte_level() -> RobertaTokenizerFast:
    """RoBERTa's way of joining texts, over single bytes."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    return RobertaTokenizerFast(vocab={piece: number for number, piece in enumerate(pieces)}, merges=[])


def closing_last() -> PreTrainedTokenizerFast:
    """XLNet's way: what closes a text comes once, after the second."""
    raw = Tokenizer(models.WordLevel({"[PAD]": 0, "[SEP]": 1, "[CLS]": 2, "one": 3, "two": 4, "[UNK]": 5}, "[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    raw.post_processor = processors.TemplateProcessing(
        single="$A [SEP] [CLS]", pair="$A [SEP] $B [SEP] [CLS]", special_tokens=[("[SEP]", 1), ("[CLS]", 2)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="[PAD]")


TOKENIZERS = pytest.mark.parametrize("tokenizer", [BERT, byte_level()], ids=["bert", "roberta"])


def ids_of(tokenizer, texts) -> list[Ids]:
    """As `write_tokens` stores them."""
    return [np.array(row, np.uint16) for row in tokenize(tokenizer, texts, 256)]


@TOKENIZERS
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("passage", PASSAGES)
def test_joined_ids_are_the_tokenizers(tokenizer, question: str, passage: str):
    joined = Template.of(tokenizer, 256).join(*ids_of(tokenizer, [question, passage]))
    assert [joined.tolist()] == tokenizer([question], [passage])["input_ids"]  # alone, an empty passage would be none


def test_a_title_stands_between_question_and_text():
    template = Template.of(BERT, 256)
    question, passage = ids_of(BERT, ["who keeps it"]) + ids_of(BERT, [("Dog", "Anna keeps it.")])
    words = [BERT(text, add_special_tokens=False)["input_ids"] for text in ("who keeps it", "Dog", "Anna keeps it.")]
    cls, sep = BERT.cls_token_id, BERT.sep_token_id
    assert template.join(question, passage).tolist() == [cls, *words[0], sep, *words[1], sep, *words[2], sep]
    types = template.inputs([question], [passage])["token_type_ids"]
    assert types.tolist() == [[0] * (len(words[0]) + 2) + [1] * (len(words[1]) + len(words[2]) + 2)]


@TOKENIZERS
def test_a_batch_is_the_tokenizers_padded_to_the_longest(tokenizer):
    found = Template.of(tokenizer, 256).inputs(ids_of(tokenizer, QUESTIONS), ids_of(tokenizer, PASSAGES))
    expected = tokenizer(QUESTIONS, PASSAGES, padding=True, return_tensors="pt")
    assert found["input_ids"].tolist() == expected["input_ids"].tolist()
    assert found["attention_mask"].tolist() == expected["attention_mask"].tolist()
    if tokenizer is BERT:
        assert found["token_type_ids"].tolist() == expected["token_type_ids"].tolist()
    else:
        assert found["token_type_ids"] is None


@TOKENIZERS
@pytest.mark.parametrize("spare", [-2, -1, 0])
def test_a_pair_that_is_too_long_loses_the_end_of_its_passage(tokenizer, spare: int):
    question, passage = "who keeps it", "snow and more snow"
    whole = tokenizer(question, passage)["input_ids"]
    template = Template.of(tokenizer, len(whole) + spare)
    joined = template.join(*ids_of(tokenizer, [question, passage]))
    assert joined.tolist() == [*whole[: len(whole) + spare - 1], tokenizer.sep_token_id]
    limits = {"truncation": "only_second", "max_length": template.limit}
    assert joined.tolist() == tokenizer(question, passage, **limits)["input_ids"]
    types = template.inputs(*([ids] for ids in ids_of(tokenizer, [question, passage])))["token_type_ids"]
    assert types is None or types.tolist() == [tokenizer(question, passage, **limits)["token_type_ids"]]


def test_a_tokenizer_that_joins_otherwise_is_refused():
    with pytest.raises(LabradorError, match="it joins a pair in its own way; expected the first text"):
        Template.of(closing_last(), 64)
