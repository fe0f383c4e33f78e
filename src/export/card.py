"""The model card of an export: what was trained on what, how good it is, how to load and query it."""

from collections.abc import Sequence

from ..encoders.base import Encoder
from ..finished.artifacts import RunArtifacts
from ..finished.runs import FinishedRun
from ..results import count, size
from .models import Model


def card(run: FinishedRun, artifacts: RunArtifacts, models: Sequence[Model], index: str, between: str) -> str:
    """The card in Markdown; `index` is the name of the faiss index, `between` what joins title and text."""
    return "\n".join([
        _head(),
        f"# {' '.join(part for part in (run.row.retriever, run.row.quantizer, run.row.search) if part)}\n",
        _made(run),
        "## How good it is\n",
        _figures(run),
        "## Files\n",
        _files(models, index, run),
        "## Load and search\n",
        _example(models, index),
        _texts(artifacts, models, between),
        _stages(artifacts),
        "## License\n",
        "Not stated: add yours to the head of this file, in keeping with those of the base model and of the data.\n",
    ])  # fmt: skip


def _head() -> str:
    tags = ["sentence-transformers", "feature-extraction", "dense-retrieval", "labrador"]
    listed = "".join(f"- {tag}\n" for tag in tags)
    return f"---\nlibrary_name: sentence-transformers\npipeline_tag: sentence-similarity\ntags:\n{listed}---\n"


def _made(run: FinishedRun) -> str:
    row = run.row
    names = {
        "retriever": row.retriever,
        "compression": row.quantizer,
        "search": row.search,
        "hard negatives": row.sampler,
        "base encoder": row.encoder,
        "data": f"{row.data}, {row.passages:,} passages",
        "seed": str(row.seed),
        "Labrador commit": row.commit,
    }
    lines = [f"- {name}: {value}" for name, value in names.items() if value]
    lines += [f"- {name}: {value}" for name, value in sorted(row.settings.items())]
    return "\n".join([*lines, "", "Made by Labrador with:\n", f"    {run.command}", ""])


def _figures(run: FinishedRun) -> str:
    row = run.row
    lines = [
        f"On {row.queries:,} queries of the {run.split} split of {row.data}:\n",
        "| figure | value |",
        "|---|---:|",
    ]
    lines += [f"| {name} | {value:.4f} |" for name, value in row.metrics.items() if value is not None]
    if row.bytes_per_passage is not None:
        lines.append(f"| bytes per passage in memory | {count(row.bytes_per_passage)} |")
    if row.index_bytes is not None:
        lines.append(f"| size of the codes | {size(row.index_bytes)} |")
    if row.disk_bytes:
        lines.append(f"| vectors on disk for the rerank | {size(row.disk_bytes)} |")
    milliseconds = row.latency_ms.get("p50")
    if milliseconds is not None and not row.disturbed:
        lines.append(f"| ms per query in Labrador, search alone (threads: {row.threads}) | {milliseconds:.2f} |")
    return "\n".join([*lines, ""])


def _files(models: Sequence[Model], index: str, run: FinishedRun) -> str:
    lines = ["| file | what it is |", "|---|---|"]
    for model in models:
        what = " and ".join({"query": "queries", "passage": "passages"}[side] for side in model.sides)
        stage = " for the rerank" if model.folder.startswith("verifier") else ""
        lines.append(f"| `{model.folder or '.'}` | sentence-transformers model: vectors of {what}{stage} |")
    lines.append(f"| `index.faiss` | faiss {index}: the codes of {run.row.passages:,} passages |")
    lines.append("| `pids.txt` | the passages' ids, one per line, in the order of the index |")
    return "\n".join([*lines, ""])


def _example(models: Sequence[Model], index: str) -> str:
    queries = _of("query", models)
    place = f'folder / "{queries.folder}"' if queries.folder else "folder"
    lines = [
        "from pathlib import Path",
        "import faiss",
        "from sentence_transformers import SentenceTransformer\n",
        'folder = Path("THIS_FOLDER")',
        f"queries = SentenceTransformer(str({place}))",
        'index, pids = faiss.read_index(str(folder / "index.faiss")), (folder / "pids.txt").read_text().splitlines()',
        'vectors = queries.encode_query(["how do I read a csv in chunks"])',
        "scores, rows = index.search(vectors, 10)",
        "print([(pids[row], score) for row, score in zip(rows[0], scores[0])])",
    ]
    scores = "Hamming distances: less is better" if "LSH" in index else "inner products"
    return "\n".join(["```python", *lines, "```\n", f"Scores are {scores}.\n"])


def _texts(artifacts: RunArtifacts, models: Sequence[Model], between: str) -> str:
    """How texts are encoded, and where the run did otherwise."""
    encoder, passages = artifacts.encoder, _of("passage", models)
    separate = "" if "query" in passages.sides else f" with the model in `{passages.folder}`"
    notes = [
        f"Queries are cut after {encoder.max_query_length} tokens and passages after {encoder.max_passage_length}. "
        f"The vector is the {'mean over the tokens' if encoder.pooling == 'mean' else 'first token’s'}, "
        f"{'scaled to length 1' if encoder.normalize else 'not scaled'}.{_prefixes(encoder)}",
        f"A passage is encoded as one text, title first: `encode_document([title + {between!r} + text])`{separate}, or "
        "`[text]` where it has no title. A text that is too long is cut at its end; the run also cut titles that fill "
        "more than half of the length.",
    ]
    if artifacts.corpus.question("why?") == "why":
        notes.append("The queries of this data have no question mark at their end; leave it out.")
    if artifacts.precision != "float32":
        notes.append(
            f"The run multiplied matrices in {artifacts.precision}: the vectors behind `index.faiss` differ "
            "from this model's float32 vectors by rounding (about 1e-3 on vectors of length 1)."
        )
    return "\n".join(f"{line}\n" for line in notes)


def _prefixes(encoder: Encoder) -> str:
    """What the model puts before a text; empty where it puts nothing."""
    query, passage = encoder.prefix("query"), encoder.prefix("passage")
    if not query and not passage:
        return ""
    return f" `encode_query` puts {query!r} before a query, and `encode_document` {passage!r} before a passage."


def _of(side: str, models: Sequence[Model]) -> Model:
    """The first stage's model of a side."""
    return next(model for model in models if side in model.sides)


def _stages(artifacts: RunArtifacts) -> str:
    """What a search of the run does beyond scanning the codes, which is all that index.faiss does."""
    search = artifacts.search
    if type(search).__name__ == "Scan":
        return "A search of `index.faiss` is the search whose figures stand above.\n"
    first = "hash tables, which are not part of this folder," if artifacts.structure else "the codes"
    if search.needs_vectors:
        which = "the model in `verifier`" if artifacts.verified else "the same model"
        second = f"the inner products of full vectors from {which}"
    else:
        second = "the inner products of the query's vector with the decoded codes"
    return (
        f"The figures above are those of two stages: {search.depth:,} candidates from {first} were reranked by "
        f"{second}. A search of `index.faiss` is the first stage alone.\n"
    )
