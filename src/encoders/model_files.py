"""Models and tokenizers in folders of transformers' layout: reading and fingerprints."""

import hashlib
import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import LabradorError
from ..machine.files import sha256

CONFIG = "config.json"
WEIGHTS = ("model*.safetensors", "model.safetensors.index.json")
VOCABULARY = ("tokenizer.json", "vocab.*", "*.model")  # a tokenizer has one of them
HEADS = (  # prefixes of weights for other tasks
    *("cls.", "lm_head.", "classifier.", "pre_classifier.", "sop_classifier.", "qa_outputs.", "pooler.", "score."),
    *("head.", "predictions.", "lm_predictions.", "mask_predictions.", "discriminator_predictions."),
    *("vocab_", "decoder."),
)
BUFFERS = ("position_ids", "token_type_ids")  # of older checkpoints; no weights
TOKENIZER = (*VOCABULARY, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")


@contextmanager
def quietly() -> Iterator[None]:
    """Silence transformers' warnings about unused heads and its progress bars."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def has_weights(folder: Path) -> bool:
    """Whether the folder has weights in safetensors, in one file or in shards."""
    return any(folder.glob("model*.safetensors"))


def read_model(folder: Path, dropout: float | None = None) -> Any:
    """The headless model of a folder, float32 on the CPU, in eval mode; `dropout` as for `with_dropout`.

    Raises LabradorError if there are no safetensors, or they cannot be read or lack parameters of the model.
    """
    from transformers import MODEL_MAPPING

    config, kind = _config_and_kind(folder, MODEL_MAPPING, "has no encoder")
    poolerless = "add_pooling_layer" in inspect.signature(kind.__init__).parameters
    options = {"add_pooling_layer": False} if poolerless else {}
    model, missing, unread = _load(kind, folder, config, dropout, **options)
    missing = [name for name in missing if not name.startswith("pooler.")]
    if missing:
        raise LabradorError(
            f"{folder}: its weights lack {len(missing)} parameters of {kind.__name__} as config.json has it, "
            f"{missing[0]} among them; expected a whole checkpoint; download or convert it again"
        )
    if unread:
        raise LabradorError(
            f"{folder}: its weights hold {unread[0]}, which {kind.__name__} lacks and without which "
            "its vectors would differ; expected a model without extra layers; use another"
        )
    return model


def read_classifier(folder: Path, *, ready: bool, dropout: float | None = None) -> Any:
    """The model of a folder with a sequence-classification head, as `Encoder.load_classifier` says.

    Raises LabradorError as `read_model` does.
    """
    from transformers import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING

    config, kind = _config_and_kind(folder, MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING, "cannot classify pairs of texts")
    if not ready:
        config.num_labels = 1
    model, missing, _ = _load(kind, folder, config, dropout)
    base = [name for name in missing if name.startswith(f"{model.base_model_prefix}.") and ".pooler." not in name]
    if base or (ready and missing):
        expected, mend = (
            ("a whole checkpoint", "convert it again")
            if base
            else ("a classifier trained on pairs of query and passage", "train it here, or use another")
        )
        raise LabradorError(
            f"{folder}: its weights lack {len(missing)} parameters of {kind.__name__} as config.json has it, "
            f"{(base or missing)[0]} among them; expected {expected}; {mend}"
        )
    if config.num_labels not in (1, 2):
        raise LabradorError(f"{folder}: {config.num_labels} labels; expected 1 or 2; use a cross-encoder")
    return model


def with_dropout(config: Any, share: float | None, make: Callable[[Any], Any]) -> Any:
    """The model that `make` builds from `config`, all of its layers dropping this share of numbers in training.

    None: the shares of the configuration. The model's own configuration, which is saved with it, keeps these.
    Without dropout a CPU trains about twice as fast, since random numbers are expensive there.
    """
    own = [_dropouts(part) for part in (config, config.get_text_config())]
    if share is not None:
        for part, names in zip((config, config.get_text_config()), own, strict=True):
            part.update(dict.fromkeys(names, share))
    model = make(config)
    for part, shares in zip((model.config, model.config.get_text_config()), own, strict=True):
        part.update(shares)
    return model


def _dropouts(config: Any) -> dict[str, float]:
    """The shares of a configuration by name."""
    numbers = {name: value for name, value in vars(config).items() if type(value) in (int, float)}
    return {name: value for name, value in numbers.items() if "dropout" in name or "pdrop" in name}


def _config_and_kind(folder: Path, mapping: Any, lack: str) -> tuple[Any, Any]:
    """The configuration of a folder with whole safetensors, and the class that `mapping` has for it."""
    if not has_weights(folder):
        raise LabradorError(f"{folder}: no model.safetensors; expected weights in safetensors; convert them first")
    _check_weights(folder)
    with quietly():
        config = _config(folder)
    kind = mapping.get(type(config), None)
    if kind is None:
        raise LabradorError(f"{folder}: model type {config.model_type} {lack}; use a BERT-like model")
    return config, kind


def _load(
    kind: Any, folder: Path, config: Any, dropout: float | None, **options: Any
) -> tuple[Any, list[str], list[str]]:
    """A model in eval mode, its parameters that the folder lacks, and weights in the folder that nothing reads.

    Parameters are missing, too, if they have another shape there; weights of heads for other tasks are expected.
    """
    report: dict[str, Any] = {}

    def make(changed: Any) -> Any:
        made, found = kind.from_pretrained(
            folder,
            config=changed,
            use_safetensors=True,
            local_files_only=True,
            dtype="float32",
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are in the report
            **options,
        )
        report.update(found)
        return made

    with quietly():
        model = with_dropout(config, dropout, make)
    missing = sorted({*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])})
    own = f"{model.base_model_prefix}."
    unread = [name for name in report["unexpected_keys"] if not name.endswith(BUFFERS)]
    return model.eval(), missing, sorted(name for name in unread if not name.removeprefix(own).startswith(HEADS))


def _check_weights(folder: Path) -> None:
    """Raise LabradorError for an incomplete safetensors file; only headers are read."""
    from safetensors import SafetensorError, safe_open

    for path in sorted(folder.glob("model*.safetensors")):
        try:
            with safe_open(path, framework="numpy"):
                pass
        except SafetensorError as error:
            raise LabradorError(
                f"{path}: expected whole safetensors ({error}); download or convert it again"
            ) from error


def read_tokenizer(folder: Path) -> Any:
    """The fast tokenizer of a folder. Raises LabradorError if there is none."""
    from transformers import AutoTokenizer

    if not any(path for pattern in VOCABULARY for path in folder.glob(pattern)):  # transformers makes up an empty one
        raise LabradorError(f"{folder}: no tokenizer; expected tokenizer.json, vocab.txt or *.model; add its files")
    try:
        with quietly():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise LabradorError(
            f"{folder}: no readable tokenizer; expected tokenizer.json or vocab.txt; download the model again"
        ) from error
    if not tokenizer.is_fast:
        raise LabradorError(f"{folder}: its tokenizer is a slow one; expected tokenizer.json; convert it first")
    return tokenizer


def check_vocabulary(folder: Path, tokens: int) -> None:
    """Raise LabradorError if a tokenizer has more tokens than the model of `folder` has embeddings."""
    with quietly():
        known = int(_config(folder).vocab_size)
    if tokens > known:
        raise LabradorError(
            f"{folder}: its tokenizer has {tokens} tokens, its model {known} embeddings; expected files of one model; "
            "put the model's tokenizer there"
        )


def longest_input(folder: Path) -> int:
    """The most tokens that the model reads, special tokens included."""
    with quietly():
        return positions(_config(folder))


def positions(config: Any) -> int:
    """The most tokens that a model of this configuration reads, special tokens included."""
    found = getattr(config, "max_position_embeddings", None) or 1_000_000
    if "roberta" in config.model_type or config.model_type in ("camembert", "mpnet"):
        found -= config.pad_token_id + 1  # these models count positions from the padding id
    return int(found)


def width(folder: Path) -> int:
    """The width of the model's token vectors. Raises LabradorError for a folder without a readable configuration."""
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text()) if path.is_file() else {}
    except ValueError as error:  # JSON or UTF-8
        raise LabradorError(f"{path}: expected a JSON object ({error}); download the model again") from error
    if not isinstance(config, dict):
        raise LabradorError(f"{path}: another JSON value; expected an object; download the model again")
    if isinstance(config.get("hidden_size"), int):  # most models; without importing transformers
        return int(config["hidden_size"])
    with quietly():
        return int(_config(folder).hidden_size)


def fingerprint(folder: Path, patterns: tuple[str, ...] = (CONFIG, *WEIGHTS, *TOKENIZER)) -> str:
    """A hash of names and contents of files in the folder: weights, configuration and tokenizer, or `patterns`."""
    files = {path for pattern in patterns for path in folder.glob(pattern)}
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.name}:{sha256(path)}\n".encode())
    return digest.hexdigest()


def _config(folder: Path) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise LabradorError(
            f"{folder}: transformers cannot read it ({reason}); expected config.json; name a model's folder"
        ) from error
