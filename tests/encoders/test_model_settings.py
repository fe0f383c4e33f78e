"""Folders in sentence-transformers' layout: what is read as its makers mean it, and what is refused by name."""

import json
import re
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForSequenceClassification, Qwen3Config, Qwen3Model, RobertaConfig, RobertaModel

from labrador.encoders.hub import HubEncoder
from labrador.encoders.tiny import Tiny
from labrador.encoders.towers import load_towers
from labrador.errors import LabradorError
from labrador.labels.teacher import Teacher, TrainedTeacher

TRANSFORMER = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
POOLING = {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}
NORMALIZE = {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}
DENSE = {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.base.modules.dense.Dense"}
MEAN = {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
PROMPTS = {"query": "query: ", "document": "passage: "}


@pytest.fixture
def folder(tmp_path):
    """A transformer, the mean of its tokens, scaled to length 1; texts of 64 tokens."""
    load_towers(Tiny(shared=True)).save(tmp_path)
    write(tmp_path / "encoder", "modules.json", [TRANSFORMER, POOLING, NORMALIZE])
    write(tmp_path / "encoder", "1_Pooling/config.json", MEAN)
    write(tmp_path / "encoder", "sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": False})
    return tmp_path / "encoder"


def write(folder, name, value):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(value))


def encoder(folder, **settings):
    lengths = {"max_query_length": 64, "max_passage_length": 64}
    return HubEncoder(model=str(folder), **{"pooling": "mean", "normalize": True, **lengths, **settings})


def test_settings_that_do_what_the_folder_says_are_taken(folder):
    encoder(folder).check()
    encoder(folder, max_query_length=16).check()  # a text may be cut earlier
    assert torch.equal(
        encoder(folder).load_model().get_input_embeddings().weight, Tiny().load_model().get_input_embeddings().weight
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pooling": "cls"}, "encoder.pooling=mean"),
        ({"normalize": False}, "encoder.normalize=true"),
        ({"max_query_length": 65}, "encoder.max_query_length=64"),
        ({"max_passage_length": 100, "pooling": "cls"}, "encoder.pooling=mean encoder.max_passage_length=64"),
        ({"query_prefix": "ask: "}, "\"encoder.query_prefix=''\""),
    ],
)
def test_other_settings_are_refused_with_those_to_set(folder, settings, message):
    for use in (HubEncoder.check, HubEncoder.load_model):
        with pytest.raises(LabradorError) as raised:
            use(encoder(folder, **settings))
        assert str(raised.value).endswith(f"ask for other settings; set {message}")
        assert str(raised.value).startswith(f"encoder.model={folder}: ")


@pytest.mark.parametrize(
    ("name", "value", "unread"),
    [
        ("modules.json", [TRANSFORMER, POOLING, DENSE], "module 2_Dense (Dense)"),
        (
            "modules.json",
            [TRANSFORMER | {"path": "0_Transformer"}, POOLING],
            "modules.json begins with Transformer in 0_Transformer",
        ),
        ("modules.json", [TRANSFORMER, NORMALIZE], "0 modules of Pooling in modules.json"),
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}, "the pooling of 1_Pooling (max)"),
        ("1_Pooling/config.json", {"pooling_mode": "lasttoken"}, "the pooling of 1_Pooling (lasttoken)"),
        ("1_Pooling/config.json", {"pooling_mode": ["cls", "mean"]}, "the pooling of 1_Pooling (cls, mean)"),
        ("config_sentence_transformers.json", {"truncate_dim": 128}, "truncate_dim=128"),
        (
            "sentence_bert_config.json",
            {"query_expansion": {"length": 9}},
            'query_expansion={"length": 9} of sentence_bert_config.json',
        ),
    ],
)
def test_what_is_not_read_is_refused_by_name_whatever_the_settings(folder, name, value, unread):
    write(folder, name, value)
    for settings in ({}, {"pooling": "cls", "normalize": False, "max_query_length": 256}):
        with pytest.raises(LabradorError, match=re.escape(f"encoder: {unread}: not read here")):
            encoder(folder, **settings).check()


def test_prompts_are_asked_for_as_they_are_typed(folder):
    write(folder, "config_sentence_transformers.json", {"prompts": PROMPTS})
    with pytest.raises(LabradorError) as raised:
        encoder(folder).check()
    message = "\"encoder.query_prefix='query: '\" \"encoder.passage_prefix='passage: '\""
    assert str(raised.value).endswith(f"set {message}")
    encoder(folder, query_prefix="query: ", passage_prefix="passage: ").check()
    write(folder, "config_sentence_transformers.json", {"prompts": {"query": "a\nb"}, "default_prompt_name": "query"})
    with pytest.raises(LabradorError) as raised:
        encoder(folder).check()
    message = "\"encoder.query_prefix='a\\nb'\" \"encoder.passage_prefix='a\\nb'\""
    assert str(raised.value).endswith(f"set {message}")
    encoder(folder, query_prefix=r"a\nb", passage_prefix=r"a\nb").check()


def test_the_similarity_says_whether_vectors_are_scaled(folder):
    write(folder, "modules.json", [TRANSFORMER, POOLING])
    for similarity, normalize in (("cosine", True), ("dot", False)):
        write(folder, "config_sentence_transformers.json", {"similarity_fn_name": similarity})
        encoder(folder, normalize=normalize).check()
        with pytest.raises(LabradorError, match=rf"set encoder\.normalize={str(normalize).lower()}$"):
            encoder(folder, normalize=not normalize).check()
    write(folder, "config_sentence_transformers.json", {"similarity_fn_name": "euclidean"})
    with pytest.raises(LabradorError, match="similarity_fn_name=euclidean: not read"):
        encoder(folder).check()


def test_cls_of_a_causal_model_is_refused(tmp_path):
    shape = {"vocab_size": 600, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1}
    shape |= {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 256}
    Qwen3Model(Qwen3Config(**shape)).save_pretrained(tmp_path)
    message = r"encoder\.pooling=cls: encoder\.model=.* \(model type qwen3\) reads from left to right"
    with pytest.raises(LabradorError, match=message):
        HubEncoder(model=str(tmp_path)).check()
    HubEncoder(model=str(tmp_path), pooling="mean").check()
    bert = BertConfig(vocab_size=60, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, is_decoder=True)
    bert.save_pretrained(tmp_path)
    with pytest.raises(LabradorError, match="reads from left to right"):
        HubEncoder(model=str(tmp_path)).check()


def test_a_cross_encoder_is_no_encoder(tmp_path):
    shape = {"vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertForSequenceClassification(BertConfig(**shape, num_labels=1)).save_pretrained(tmp_path)
    with pytest.raises(LabradorError, match=r"a cross-encoder \(BertForSequenceClassification\).*retriever\.teacher"):
        HubEncoder(model=str(tmp_path)).check()


@pytest.mark.parametrize(
    ("name", "value", "unread"),
    [
        ("config_sentence_transformers.json", {"activation_fn": "torch.nn.modules.activation.Tanh"}, "activation Tanh"),
        ("config.json", {"sbert_ce_default_activation_function": "torch.nn.Softmax"}, "activation Softmax"),
        ("modules.json", [TRANSFORMER, DENSE], r"module 2_Dense \(Dense\)"),
        ("config_sentence_transformers.json", {"prompts": {"a": "x"}, "default_prompt_name": "a"}, "prompt 'x'"),
    ],
)
def test_a_teacher_whose_score_is_no_sigmoid_of_its_logit_is_refused(tmp_path, name, value, unread):
    Tiny().load_classifier(ready=True).save_pretrained(tmp_path)
    Tiny().tokenizer().save_pretrained(tmp_path)
    teacher = HubEncoder(model=str(tmp_path))
    teacher.load_classifier(ready=True)
    before = json.loads((tmp_path / name).read_text()) if name == "config.json" else None
    write(tmp_path, name, value if before is None else before | value)
    with pytest.raises(LabradorError, match=rf"^encoder\.model=.*: expected .* {unread}, which is not read"):
        teacher.load_classifier(ready=True)
    teacher.load_classifier(ready=False)  # its head is trained here


def test_a_teacher_must_have_room_for_a_passage_after_the_longest_question():
    read = TrainedTeacher(Teacher(encoder=Tiny(max_query_length=504)), None, "").load()
    assert read.template.limit == 512
    with pytest.raises(
        LabradorError, match=r"encoder\.max_query_length=\d+: expected at most 504: the teacher reads 512 tokens"
    ):
        TrainedTeacher(Teacher(encoder=Tiny(max_query_length=505)), None, "").load()


def test_segments_need_token_types(tmp_path, folder):
    encoder(folder, segments=True).check()
    shape = {"vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    RobertaModel(RobertaConfig(**shape, type_vocab_size=1)).save_pretrained(tmp_path / "roberta")
    message = r"encoder\.segments=true: encoder\.model=.*roberta \(model type roberta\) has no token types"
    with pytest.raises(LabradorError, match=message):
        HubEncoder(model=str(tmp_path / "roberta"), segments=True).check()


def test_layers_of_its_own_are_refused(tmp_path):
    load_towers(Tiny(shared=True)).save(tmp_path)
    weights = load_file(tmp_path / "encoder" / "model.safetensors")
    head = {"cls.predictions.bias": torch.zeros(3), "bert.pooler.dense.bias": torch.zeros(32)}
    save_file(weights | head, tmp_path / "encoder" / "model.safetensors", {"format": "pt"})
    HubEncoder(model=str(tmp_path / "encoder")).load_model()
    save_file(
        weights | {"linear.weight": torch.zeros(2, 32)}, tmp_path / "encoder" / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(LabradorError, match=r"its weights hold linear\.weight, which BertModel lacks"):
        HubEncoder(model=str(tmp_path / "encoder")).load_model()


def test_a_tokenizer_of_another_model_is_refused(tmp_path):
    load_towers(Tiny(shared=True)).save(tmp_path)
    tokenizer = Tiny().tokenizer()
    tokenizer.add_tokens(["fjord"])
    tokenizer.save_pretrained(tmp_path / "encoder")
    size = len(Tiny().tokenizer())
    with pytest.raises(LabradorError, match=rf"its tokenizer has {size + 1} tokens, its model {size} embeddings"):
        HubEncoder(model=str(tmp_path / "encoder")).tokenizer()


@pytest.mark.parametrize(("side", "parts"), [("query", 1), ("passage", 2)])
def test_a_prefix_must_leave_room(side, parts):
    tiny = Tiny()
    prefix = "fe " * 20
    taken = len(tiny.tokenizer()(prefix, add_special_tokens=False)["input_ids"])
    least = parts * (taken + 8)
    settings = {f"{side}_prefix": prefix, f"max_{side}_length": least}
    replace(tiny, **settings).check()
    with pytest.raises(LabradorError) as raised:
        replace(tiny, **settings | {f"max_{side}_length": least - 1}).check()
    assert str(raised.value) == (
        f"encoder.{side}_prefix: it takes {taken} tokens and leaves no room in encoder.max_{side}_length={least - 1}; "
        f"set encoder.max_{side}_length to at least {least}, or shorten the prefix"
    )


def test_backslashes_of_a_prefix():
    assert Tiny(query_prefix=r"a\nb\tc\\n").prefix("query") == "a\nb\tc\\n"
    assert Tiny(passage_prefix="a\nb").prefix("passage") == "a\nb"
    for wrong in (r"a\d", "a\\"):
        with pytest.raises(LabradorError, match=r"^query_prefix=.*: expected \\n \(a line break\).*, not "):
            Tiny(query_prefix=wrong)
