"""Every artifact of the lab: its step's name and version, and what decides its key.

A key is a hash of the step, its version, a config (plain values) and inputs (the keys of other artifacts). When a
change of the code gives another result from the same inputs and settings, raise the step's version in the same commit:
otherwise older results in the store would be taken for the new ones. Everything made from the artifact is then made
again. `tests/golden.py` fails when a step's output changes and its version does not. For a change inside one component
(a quantizer, a sampler, an objective, a data source) raise that component's own `version` instead: `describe` puts it
into every key that the component is part of.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..encoders.base import Encoder
from ..encoders.checkpoint import Checkpoint
from ..indexes.search import Search
from ..indexes.terms import Analyzer
from ..labels.pseudo import Thresholds
from ..losses.base import Objective
from ..machine import processes
from ..quantizers.base import Quantizer
from ..store import Recipe, describe
from ..training.settings import TrainSettings
from ..training.train_set import QuerySet, TrainSet
from .bench import Bench
from .stored import DevPool, Draws, Encoding, StoredArray, StoredQuantizer


@dataclass(frozen=True)
class Step:
    """A step of the lab.

    stage: the part of a run that its seconds count towards; shared: the processes of a run share the work, and a killed
    run continues it.
    """

    name: str
    version: int
    stage: str = ""
    shared: bool = False

    def recipe(self, config: Mapping[str, Any], inputs: Mapping[str, str], about: str = "") -> Recipe:
        """The recipe of one artifact of this step."""
        return Recipe(self.name, config, inputs, self.version, about, self.stage, self.shared, self.shared)


TOKENS = Step("tokens", 2, "encode")  # encoders/tokens.py
LANGUAGE = Step("language", 1, "encode")  # of the passages: data/languages.py
BM25 = Step("bm25", 2, "encode")  # indexes/bm25.py, postings.py; what a term is has its own version in terms.py
NEGATIVES = Step("negatives", 1, "train")  # hard negatives mined by BM25
PRETRAINED = Step("pretrained", 1)  # a pretrained encoder: stored nowhere, its key is an input of others
FIT = Step("fit", 2, "train", shared=True)  # trainings of encoders: training/
VECTORS = Step("vectors", 2, "encode", shared=True)  # encoding.py
CODES = Step("codes", 2, "quantize")  # of passages; each quantizer has a version of its own
CANDIDATES = Step("candidates", 3, "train")  # the best passages of judged queries, without spared ones
NEAREST = Step("nearest", 2, "train", shared=True)  # the best passages of queries to be labelled
QUANTIZER = Step("quantizer", 1, "quantize")  # fitted on vectors, or learned with an encoder
STRUCTURE = Step("structure", 1, "quantize")  # hash tables
RANKING = Step("ranking", 2, "search")  # indexes/
MEASUREMENT = Step("measurement", 1)  # latency and throughput: metrics/cost.py
SCORES = Step("scores", 1)  # metrics and run files: metrics/
TEACHER = Step("teacher", 4, "train", shared=True)  # trainings of cross-encoders: training/ and labels/teaching.py
SCORED = Step("scored", 2, "train", shared=True)  # a teacher's scores: labels/scoring.py
LABELS = Step("labels", 1, "train")  # pseudo labels: labels/pseudo.py

IN_OTHER_KEYS = (  # fields of an encoder that other keys hold: those of tokens, objectives and vectors
    "max_query_length",
    "max_passage_length",
    "query_prefix",
    "passage_prefix",
    "segments",
    "temperature",
    "dtype",
    "precision",
)


def tokens(bench: Bench, encoder: Encoder, queries: QuerySet | None) -> Recipe:
    """Token ids of queries or, for None, of the passages."""
    length, prefix = encoder.max_passage_length, encoder.prefix("passage")
    if queries is not None:
        length, prefix = encoder.max_query_length, encoder.prefix("query")
    config = {"length": length, "prefix": prefix, "tokenizer": encoder.tokenizer_fingerprint()}
    if encoder.segments and queries is None:  # a query is one text
        config["segments"] = True
    texts = bench.corpus.fingerprint("passages") if queries is None else queries.key
    return TOKENS.recipe(config, {"texts": texts}, "passages" if queries is None else f"queries-{queries.split}")


def language(bench: Bench) -> Recipe:
    """The language that most passages are in."""
    return LANGUAGE.recipe({}, {"passages": bench.corpus.fingerprint("passages")}, "of the passages")


def bm25(bench: Bench, analyzer: Analyzer) -> Recipe:
    """The BM25 index of the passages."""
    inputs = {"passages": bench.corpus.fingerprint("passages")}
    return BM25.recipe({"analyzer": analyzer.described()}, inputs, "BM25 index of the passages")


def negatives(train_set: TrainSet, depth: int, index: str) -> Recipe:
    """What BM25 finds for the queries of a train set."""
    inputs = {"bm25": index, "queries": train_set.queries.key, "judgements": train_set.key}
    return NEGATIVES.recipe({"depth": depth}, inputs, f"top {depth} by BM25 of the {train_set.queries.split} queries")


def pretrained(encoder: Encoder, step: Step | None = None) -> str:
    """The key of a pretrained encoder or, with `TEACHER`, of a cross-encoder that no training here has changed."""
    weights = {"weights": encoder.fingerprint()}
    return (step or PRETRAINED).recipe(describe(encoder, IN_OTHER_KEYS), weights).key


def fit(bench: Bench, objective: Objective, draws: Draws, dev: DevPool | None, read: Mapping[str, str]) -> Recipe:
    """A trained encoder.

    read: the keys of the checkpoint it starts from, of its texts (tokens, or frozen vectors), and of the quantizer that
    the objective's own parameters start from.
    """
    config, keys = _trained(bench, draws)
    config["objective"] = describe(objective)
    if not bench.gathered and processes.world_size() > 1:
        config |= {"gathered": False, "processes": processes.world_size()}
    if dev is not None:
        config["keep"] = dev.settings
        keys |= dev.keys
    return FIT.recipe(config, {**keys, **read}, draws.name)


def teacher(bench: Bench, draws: Draws, read: Mapping[str, str]) -> Recipe:
    """A trained cross-encoder; `read`: the keys of the model it starts from and of its texts."""
    config, keys = _trained(bench, draws)
    return TEACHER.recipe(config, {**keys, **read}, draws.name)


def _trained(bench: Bench, draws: Draws) -> tuple[dict[str, Any], dict[str, str]]:
    """Config and inputs of a training: its settings, its samplers and what they draw from, the judgements."""
    config = {"sampler": describe(draws.sampler), "seed": bench.seed, **trained_by(bench.settings, bench.device)}
    if draws.lexical is not None:
        config["lexical"] = describe(draws.lexical, leave_out=("positive",))
    return config, {"judgements": draws.train_set.key, **draws.keys}


def trained_by(settings: TrainSettings, device: str) -> dict[str, Any]:
    """The settings of a training and, with dropout, where it runs.

    With dropout each process draws for its own share of a batch, with its device's generator. Without, the number of
    processes and the device change nothing but rounding.
    """
    described: dict[str, Any] = {"settings": describe(settings.resolved(device))}
    if settings.dropout != 0:  # None: as the model comes
        described["drops"] = {"processes": processes.world_size(), "device": device.partition(":")[0]}
    return described


def vectors(encoding: Encoding) -> Recipe:
    """What an encoder makes of texts."""
    config = {"side": encoding.side, "dtype": encoding.dtype, "precision": encoding.precision}
    return VECTORS.recipe(config, encoding.keys, encoding.about)


def codes(quantizer: StoredQuantizer, passages: StoredArray) -> Recipe:
    """The codes of stored vectors."""
    inputs = {"quantizer": quantizer.key, "vectors": passages.key}
    return CODES.recipe({}, inputs, f"{len(passages.array):,} passages")


def codes_of_texts(quantizer: StoredQuantizer, encoding: Encoding) -> Recipe:
    """The codes that a quantizer, learned with the encoder, gives passages while they are encoded."""
    inputs = {"quantizer": quantizer.key, **encoding.keys}
    step = replace(CODES, stage="encode", shared=True)
    return step.recipe({"precision": encoding.precision}, inputs, f"{encoding.about}, encoded")


def candidates(bench: Bench, train_set: TrainSet, rows: NDArray[np.int64], k: int, keys: Mapping[str, str]) -> Recipe:
    """The best k passages of the queries `rows` of a train set; `keys`: of the query vectors and of the passages."""
    some = len(rows) < np.count_nonzero(train_set.positives.lengths)
    config = {"k": k} | ({"queries": len(rows), "seed": bench.seed} if some else {})
    inputs = {**keys, "judgements": train_set.key}
    return CANDIDATES.recipe(config, inputs, f"top {k} of {len(rows):,} {train_set.queries.split} queries")


def nearest(queries: QuerySet, rows: NDArray[np.int64], k: int, keys: Mapping[str, str]) -> Recipe:
    """The best k passages of the queries `rows`, positives too; `keys`: of the vectors of queries and passages."""
    config: dict[str, Any] = {"k": k}
    if len(rows) < len(queries):
        drawn = np.ascontiguousarray(rows, dtype="<i8").tobytes()
        config["rows"] = hashlib.blake2b(drawn, digest_size=16).hexdigest()
    return NEAREST.recipe(config, {**keys, **own(queries)}, f"best {k} of {len(rows):,} {queries.split} queries")


def own(queries: QuerySet) -> dict[str, str]:
    """What a ranking's key holds of the queries that are passages themselves, since it leaves these out."""
    if queries.own is None:
        return {}
    return {"own": hashlib.blake2b(np.ascontiguousarray(queries.own, "<i8").tobytes(), digest_size=16).hexdigest()}


def quantizer(bench: Bench, component: Quantizer, passages: StoredArray, judged: Mapping[str, str]) -> Recipe:
    """A quantizer fitted on passage vectors; `judged`: the keys of what else a supervised one learns from."""
    config: dict[str, Any] = {"quantizer": describe(component)}
    config["seed"] = bench.seed if component.draws(len(passages.array)) else None
    if judged:
        config["positive"] = bench.train_set.positive
    return QUANTIZER.recipe(config, {"vectors": passages.key, **judged}, f"{type(component).__name__}, trained")


def learned_quantizer(component: Quantizer, checkpoint: Checkpoint) -> Recipe:
    """The quantizer that an objective learned together with an encoder."""
    name = type(component).__name__
    config = {"learned": name, "version": component.version}
    return QUANTIZER.recipe(config, {"checkpoint": checkpoint.key}, f"{name}, learned with the encoder")


def structure(settings: Mapping[str, Any], quantizer: StoredQuantizer, stored: StoredArray) -> Recipe:
    """What a search needs besides the codes."""
    inputs = {"codes": stored.key, "quantizer": quantizer.key}
    return STRUCTURE.recipe(settings, inputs, f"of {len(stored.array):,} codes")


@dataclass(frozen=True)
class RankedFrom:
    """The keys of what a ranking by vectors was made from; None = it needed no such thing.

    queries, verifier: the queries' vectors for the codes and for the rerank by another encoder; dense: the passages'
    full vectors for the rerank; structure: hash tables.
    """

    codes: str
    quantizer: str
    queries: str
    structure: str | None = None
    dense: str | None = None
    verifier: str | None = None

    @classmethod
    def of(cls, inputs: Mapping[str, str]) -> "RankedFrom":
        """As the manifest of a ranking has them."""
        return cls(**{name: inputs[name] for name in cls.__annotations__ if name in inputs})

    @property
    def inputs(self) -> dict[str, str]:
        """As the manifest gets them."""
        return {name: key for name, key in vars(self).items() if key is not None}


def ranking(bench: Bench, search: Search | int, queries: QuerySet, keys: Mapping[str, str], about: str) -> Recipe:
    """The best passages of all queries, by `search` or, for a number, that many by BM25.

    keys: of the queries' vectors and of all that is searched.
    """
    how = {"k": search} if isinstance(search, int) else {"search": describe(search), "device": search.device}
    return RANKING.recipe({**how, "ties_from": bench.ties_from}, {**keys, **own(queries)}, about)


def measurement(config: Mapping[str, Any], ranked: str, about: str) -> Recipe:
    """What the search behind a ranking costs on the machine that the config describes."""
    return MEASUREMENT.recipe(config, {"ranking": ranked}, about)


def scores(bench: Bench, ranked: str, split: str, tag: str, metrics: Sequence[str]) -> Recipe:
    """The metrics of a ranking."""
    judged = f"queries-{split}" if bench.corpus.scored_by == "answers" else f"qrels-{split}"
    config = {"scored_by": bench.corpus.scored_by, "tag": tag, "metrics": list(metrics)}
    inputs = {"ranking": ranked, "judgements": bench.corpus.fingerprint(judged)}
    return SCORES.recipe(config, inputs, f"{split} queries")


def scored(precision: str, keys: Mapping[str, str], pairs: int) -> Recipe:
    """A teacher's scores of (query, passage) pairs; `keys`: of the teacher, the passages found and the tokens."""
    return SCORED.recipe({"precision": precision}, keys, f"{pairs:,} pairs, by the teacher")


def labels(train_set: TrainSet, thresholds: Thresholds, keys: Mapping[str, str], count: int) -> Recipe:
    """Pseudo labels; `keys`: of the passages found and of their scores."""
    return LABELS.recipe(describe(thresholds), {**keys, "judgements": train_set.key}, f"of {count:,} queries")
