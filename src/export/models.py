"""Checkpoints as folders that sentence-transformers loads, giving the same vectors."""

import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..encoders.checkpoint import Checkpoint
from ..encoders.towers import Side, Tower
from ..errors import LabradorError

PACKAGE = "sentence_transformers"
NEEDED = 6  # its major version: the first with a separate length for queries
TASK = {"query": "query", "passage": "document"}  # its name for each side


@dataclass(frozen=True)
class Model:
    """One model to write: its folder ("" = the export's own), its weights, and the sides it encodes."""

    folder: str
    checkpoint: Checkpoint
    sides: tuple[Side, ...]


def models(folder: str, query: Checkpoint, passage: Checkpoint) -> list[Model]:
    """One model where queries and passages share a tower, in `folder`; else one each in its query/ and passage/."""
    if query.key == passage.key and query.encoder.shared:
        return [Model(folder, query, ("query", "passage"))]
    below = f"{folder}/" if folder else ""
    return [Model(f"{below}query", query, ("query",)), Model(f"{below}passage", passage, ("passage",))]


def check_package() -> None:
    """Raise LabradorError unless sentence-transformers is installed in a version that supports these models."""
    found = None
    if importlib.util.find_spec(PACKAGE) is not None:
        from importlib.metadata import version

        found = version("sentence-transformers")
    if found is None or int(found.partition(".")[0]) < NEEDED:
        state = "is not installed" if found is None else f"is version {found}"
        raise LabradorError(
            f"sentence-transformers {state}; expected version {NEEDED} or newer: run pip install 'labrador[export]'"
        )


def write_model(model: Model, root: Path) -> None:
    """Write `model` below `root`; raises LabradorError without sentence-transformers."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules.dense import Dense
    from sentence_transformers.base.modules.normalize import Normalize
    from sentence_transformers.base.modules.transformer import Transformer
    from sentence_transformers.sentence_transformer.modules.pooling import Pooling
    from torch import nn

    encoder, towers = model.checkpoint.encoder, model.checkpoint.towers()
    tower: Tower = towers.passage if "passage" in model.sides else towers.query
    tokenizer = encoder.tokenizer()
    tokenizer.model_input_names = ["input_ids", "attention_mask"]  # no token types, as in training
    lengths = {"query": encoder.max_query_length, "passage": encoder.max_passage_length}
    tokenizer.model_max_length = max(lengths[side] for side in model.sides)
    weights = root / model.folder / ".weights"
    tower.save(weights, tokenizer)
    with quietly():
        transformer = Transformer(
            str(weights),
            max_seq_length=tokenizer.model_max_length,
            query_length=lengths["query"],
            document_length=lengths["passage"],
            config_kwargs={"local_files_only": True},
        )
        width = int(tower.model.config.hidden_size)
        modules: list[Any] = [transformer, Pooling(width, pooling_mode=encoder.pooling)]
        if tower.projection is not None:
            dense = Dense(width, tower.dimension, activation_function=nn.Identity())
            dense.linear.load_state_dict(tower.projection.state_dict())
            modules.append(dense)
        if encoder.normalize:
            modules.append(Normalize())
        prompts = {"query": encoder.prefix("query"), "passage": encoder.prefix("passage")}
        whole = SentenceTransformer(
            modules=modules,
            device="cpu",
            prompts={TASK[side]: prompts[side] for side in model.sides},
            default_prompt_name=TASK[model.sides[0]] if len(model.sides) == 1 else None,
            similarity_fn_name="dot",
        )
        whole.save(str(root / model.folder), create_model_card=False)
    for path in sorted(weights.iterdir()):
        path.unlink()
    weights.rmdir()


def joiner(tokenizer: Any) -> str:
    """What stands between title and text when they are joined into one text: "[SEP]" for BERT."""
    first, second, pair = (tokenizer(*texts)["input_ids"] for texts in (("a",), ("b",), ("a", "b")))
    between = pair[len(first) - 1 : len(pair) - len(second) + 1]
    return "".join(tokenizer.convert_ids_to_tokens(between))


def joined(title: str, text: str, between: str) -> str:
    """A passage as the one text that sentence-transformers encodes as Labrador does."""
    return f"{title}{between}{text}" if title else text


@contextmanager
def quietly() -> Iterator[None]:
    """Keep messages and progress bars of sentence-transformers off the terminal."""
    from ..encoders.model_files import quietly as transformers_quietly

    log = logging.getLogger(PACKAGE)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with transformers_quietly():
            yield
    finally:
        log.setLevel(level)
