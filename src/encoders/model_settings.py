"""What the files of a model's folder, transformers' and sentence-transformers', ask for; no model is loaded.

Labrador runs a transformer and takes its first token vector or their mean, scaled to length 1 or not. A folder that
asks for more (modules.json) would give other vectors here than with sentence-transformers: it is refused, naming what
is not supported or the settings to use.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from ..errors import LabradorError, SettingError
from .base import Encoder, Pooling

CONFIG, MODULES, PROMPTS = "config.json", "modules.json", "config_sentence_transformers.json"
BODY, TOKENIZER = "sentence_bert_config.json", "tokenizer_config.json"
FILES = (MODULES, PROMPTS, BODY, f"*/{CONFIG}")  # what a download must have besides the model's own files
NAMES = {"query": ("query",), "passage": ("document", "passage", "corpus")}  # of prompts; the first that is there
READ = {"max_seq_length", "do_lower_case", "query_length", "document_length"}  # of the Transformer's settings
READ |= {"transformer_task", "modality_config", "module_output_name", "unpad_inputs"}  # say how texts are encoded
FLAGS = {  # of older poolings
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
BOTH_WAYS = {"bert", "roberta", "xlm-roberta", "camembert", "electra", "ernie", "mpnet", "distilbert", "albert"}


def check_settings(folder: Path, encoder: Encoder, named: str) -> None:
    """Raise LabradorError unless `encoder` has the settings that the files of `folder` ask for.

    `named` is how the user named it: "encoder.model=FOLDER".
    """
    config = _read(folder / CONFIG)
    kind = config.get("model_type")
    architectures = ", ".join(map(str, config.get("architectures") or ()))
    if architectures.endswith("ForSequenceClassification"):
        raise LabradorError(
            f"{named}: a cross-encoder ({architectures}), which judges pairs of texts; expected a model that encodes "
            "single texts; name this one in retriever.teacher"
        )
    if config.get("is_encoder_decoder"):
        raise LabradorError(f"{named}: model type {kind} is an encoder with a decoder; use a BERT-like model")
    if encoder.segments and int(config.get("type_vocab_size") or 0) < 2:
        raise LabradorError(
            f"encoder.segments=true: {named} (model type {kind}) has no token types, two are needed to tell a title "
            "from its text; use encoder.segments=false, or a model like BERT"
        )
    if encoder.pooling == "cls" and _is_causal(config):
        raise LabradorError(
            f"encoder.pooling=cls: {named} (model type {kind}) reads from left to right, so that its first token knows "
            "nothing of the text; use encoder.pooling=mean, or a model like BERT"
        )
    if (folder / MODULES).is_file():
        _check_modules(folder, encoder, named)


def check_teacher(folder: Path, model: str) -> None:
    """Raise SettingError for a cross-encoder whose files ask for more than the sigmoid of its logit, or the share of
    the second of two labels.
    """
    config, own = _read(folder / CONFIG), _read(folder / PROMPTS)
    chosen = own.get("activation_fn") or (config.get("sentence_transformers") or {}).get("activation_fn")
    activation = str(chosen or config.get("sbert_ce_default_activation_function") or "").rpartition(".")[2]
    known = {"", "Identity", "Sigmoid"} | ({"Softmax"} if len(config.get("id2label") or ()) == 2 else set())
    unread = [f"module {path} ({kind})" for kind, path in _modules(folder)[1:]]
    unread += [f"activation {activation}"] if activation not in known else []
    prompt = (own.get("prompts") or {}).get(str(own.get("default_prompt_name")))
    unread += [f"prompt {prompt!r}"] if prompt else []
    if unread:
        expected = "a sequence classifier whose score is the sigmoid of its logit"
        remedy = f"without {'; '.join(unread)}, which is not read here, the scores would not be the model's"
        raise SettingError("model", model, expected, remedy, "encoder")


def _check_modules(folder: Path, encoder: Encoder, named: str) -> None:
    """Raise LabradorError naming every module that is not supported or, if all are, every setting that must change."""
    unread = list(_unread(folder, encoder))
    if unread:
        raise LabradorError(
            f"{named}: {'; '.join(unread)}: not read here, and without it the vectors would not be the model's; use "
            "a model of a transformer, Pooling (mean or cls) and Normalize alone"
        )
    needed = list(_needed(folder, encoder))
    if needed:
        raise LabradorError(
            f"{named}: its files ({MODULES} and those it names) ask for other settings; set {' '.join(needed)}"
        )


def _unread(folder: Path, encoder: Encoder) -> Iterator[str]:
    """What `folder` does to texts and vectors that no setting of an encoder does."""
    modules = _modules(folder)
    kinds = [kind for kind, _ in modules]
    if modules[:1] != [("Transformer", "")]:
        yield f"{MODULES} begins with {' in '.join(filter(None, modules[0])) if modules else 'nothing'}"
    for kind, path in modules[1:]:
        if kind not in ("Pooling", "Normalize"):
            yield f"module {path} ({kind})"
    if kinds.count("Pooling") != 1:
        yield f"{kinds.count('Pooling')} modules of Pooling in {MODULES}"
    for path in (path for kind, path in modules if kind == "Pooling"):
        settings = _read(folder / path / CONFIG)
        modes = _modes(settings)
        if len(modes) != 1 or modes[0] not in get_args(Pooling):
            yield f"the pooling of {path} ({', '.join(modes)})"
        if settings.get("include_prompt") is False and any(_prompts(folder).values()):
            yield f"the pooling of {path} without the prompt (include_prompt=false)"
    body, own = _read(folder / BODY), _read(folder / PROMPTS)
    for name in sorted(body.keys() - READ):
        if body[name]:
            yield f"{name}={json.dumps(body[name])} of {BODY}"
    if body.get("do_lower_case") and not _read(folder / TOKENIZER).get("do_lower_case"):
        yield f"do_lower_case of {BODY}"
    if own.get("truncate_dim") is not None:
        yield f"truncate_dim={own['truncate_dim']}"
    similarity = own.get("similarity_fn_name") or "cosine"
    if similarity not in ("cosine", "dot") and "Normalize" not in kinds:
        yield f"similarity_fn_name={similarity}"


def _needed(folder: Path, encoder: Encoder) -> Iterator[str]:
    """The settings, as they are typed, in which `encoder` must be another to do what `folder` says."""
    modules = _modules(folder)
    (pooling,) = _modes(_read(folder / next(path for kind, path in modules if kind == "Pooling") / CONFIG))
    if pooling != encoder.pooling:
        yield f"encoder.pooling={pooling}"
    scaled = any(kind == "Normalize" for kind, _ in modules)
    similarity = _read(folder / PROMPTS).get("similarity_fn_name") or "cosine"
    normalize = scaled or similarity == "cosine"  # scaled vectors rank by inner product as others do by cosine
    if normalize != encoder.normalize:
        yield f"encoder.normalize={str(normalize).lower()}"
    for side, prompt in _prompts(folder).items():
        if encoder.prefix("query" if side == "query" else "passage") != prompt:
            typed = prompt.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("'", "\\'")
            yield f"\"encoder.{side}_prefix='{typed}'\""
    for side, own in (("query", "query_length"), ("passage", "document_length")):
        longest = _longest(folder, own)
        if longest is not None and getattr(encoder, f"max_{side}_length") > longest:
            yield f"encoder.max_{side}_length={longest}"


def _modules(folder: Path) -> list[tuple[str, str]]:
    """The class, without its package, and the path of each module."""
    found = _read(folder / MODULES, list)
    return [(str(one.get("type", "")).rpartition(".")[2], str(one.get("path", ""))) for one in found]


def _modes(pooling: dict[str, Any]) -> list[str]:
    """The names of the modes of a Pooling's settings."""
    mode = pooling.get("pooling_mode")
    if mode is None:
        return [name for flag, name in FLAGS.items() if pooling.get(flag)]
    return [mode] if isinstance(mode, str) else [str(name) for name in mode]


def _prompts(folder: Path) -> dict[str, str]:
    """What sentence-transformers' encode_query and encode_document put before a text, by our sides."""
    own = _read(folder / PROMPTS)
    prompts: dict[str, str | None] = own.get("prompts") or {}
    other = prompts.get(str(own.get("default_prompt_name"))) or ""
    found = {side: next((prompts[name] for name in names if name in prompts), other) for side, names in NAMES.items()}
    return {side: prompt or "" for side, prompt in found.items()}


def _longest(folder: Path, own: str) -> int | None:
    """The most tokens of a text whose length is the setting `own` of the Transformer; None: as the model allows."""
    body = _read(folder / BODY)
    for length in (body.get(own), body.get("max_seq_length"), _read(folder / TOKENIZER).get("model_max_length")):
        if length is not None:
            return int(length)
    return None


def _is_causal(config: dict[str, Any]) -> bool:
    """Whether the tokens of a model see only those before them."""
    if config.get("model_type") in BOTH_WAYS:
        return bool(config.get("is_decoder"))
    if config.get("is_causal") is False or config.get("use_bidirectional_attention"):
        return False
    from transformers.models.auto import modeling_auto

    masked, causal = modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES, modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    kind = config.get("model_type")
    return bool(config.get("is_decoder")) or (kind in causal and kind not in masked)


def _read(path: Path, kind: type[Any] = dict) -> Any:
    """The JSON value of a file, of a `kind`; an empty one where the file is not there. Raises LabradorError."""
    if not path.is_file():
        return kind()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # of JSON or UTF-8
        raise LabradorError(f"{path}: expected JSON ({error}); download the model again") from error
    if not isinstance(found, kind) or (kind is list and not all(isinstance(one, dict) for one in found)):
        raise LabradorError(f"{path}: expected another kind of JSON value; download the model again")
    return found
