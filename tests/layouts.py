"""Small corpora in the published layouts, for tests that start from raw files.

    folder = write_layout("msmarco", tmp_path / "raw")

All layouts hold the same content: passage i, i < `passages`, tells of "the red fox"-like pair i of a colour and an
animal; the query of pair i asks for it, and its answer is the animal's keeper, who is named in that passage alone.
Queries are split by i: 0-3 of every 8 are train, 4 and 5 dev, 6 and 7 test.
"""

import csv
import gzip
import json
from pathlib import Path

COLOURS = ("red", "blue", "green", "amber", "ivory", "scarlet", "violet", "silver")
ANIMALS = ("fox", "heron", "badger", "otter", "lynx", "magpie", "salmon", "beetle", "adder", "falcon", "marten", "newt")
LAYOUTS = ("beir", "msmarco", "msmarco_doc", "nq", "trivia")


def pair(i):
    return f"{COLOURS[i % len(COLOURS)]} {ANIMALS[i // len(COLOURS) % len(ANIMALS)]}"


def keeper(i):
    return f"Keeper{i:03d} Müller"


def text_of(i):
    return f'The {pair(i)} lives by the river. Its keeper is {keeper(i)}, who says "it sleeps all day" to visitors.'


def title_of(i):
    return pair(i).title()


def question_of(i):
    return f"who keeps the {pair(i)}"


def rows_of(split, passages):
    buckets = {"train": (0, 1, 2, 3), "dev": (4, 5), "test": (6, 7)}[split]
    return [i for i in range(passages) if i % 8 in buckets]


def write_text(path, text, packed=False):
    """Write a raw file, as PATH or gzipped as PATH.gz; returns the path written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not packed:
        path.write_text(text, encoding="utf-8", newline="")
        return path
    path = path.with_name(path.name + ".gz")
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        file.write(text)
    return path


def write_layout(name, folder, passages=64, packed=False):
    """Fill `folder` with the raw files of data=`name`; returns the folder."""
    for file, text in LAYOUT[name](passages).items():
        write_text(Path(folder) / file, text, packed)
    return Path(folder)


def _tsv(rows):
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


def _json_lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _beir(passages):
    files = {
        "corpus.jsonl": _json_lines(
            {"_id": f"p{i}", "title": title_of(i), "text": text_of(i)} for i in range(passages)
        ),
        "queries.jsonl": _json_lines({"_id": f"q{i}", "text": question_of(i)} for i in range(passages)),
    }
    for split in ("train", "dev", "test"):
        judged = [(f"q{i}", f"p{i}", 1) for i in rows_of(split, passages)]
        files[f"qrels/{split}.tsv"] = _tsv([("query-id", "corpus-id", "score"), *judged])
    return files


def _msmarco(passages):
    files = {"collection.tsv": _tsv((i, text_of(i)) for i in range(passages))}
    for split, name in (("train", "train"), ("dev", "dev.small")):
        rows = rows_of(split, passages)
        unjudged = [(9_000_000, "a question that nobody judged")] if split == "train" else []
        files[f"queries.{name}.tsv"] = _tsv([(i, question_of(i)) for i in rows] + unjudged)
        files[f"qrels.{name}.tsv"] = _tsv((i, 0, i, 1) for i in rows)
    return files


def _msmarco_doc(passages):
    documents = ((f"D{i}", f"https://example.org/{i}", title_of(i), text_of(i)) for i in range(passages))
    files = {"msmarco-docs.tsv": _tsv(documents)}
    for split in ("train", "dev"):
        rows = rows_of(split, passages)
        files[f"msmarco-doc{split}-queries.tsv"] = _tsv((i, question_of(i)) for i in rows)
        files[f"msmarco-doc{split}-qrels.tsv"] = "".join(f"{i} 0 D{i} 1\n" for i in rows)
    return files


class _Lines(list):
    """What csv.writer writes to."""

    write = list.append


def _quoted(rows):
    lines = _Lines()
    csv.writer(lines, delimiter="\t", lineterminator="\n").writerows(rows)
    return "".join(lines)


def _biencoder(rows, passages, pid_key, mark):
    def context(i):
        return {"title": title_of(i), "text": text_of(i), "score": 1000, pid_key: str(i + 1)}

    questions = [
        {
            "dataset": "made up",
            "question": question_of(i) + mark,
            "answers": [keeper(i)],
            "positive_ctxs": [context(i)],
            "negative_ctxs": [],
            "hard_negative_ctxs": [context((i + step) % passages) for step in (8, 3)],
        }
        for i in rows
    ]
    return json.dumps(questions, indent=4)


def _dpr(name, pid_key, mark):
    def files(passages):
        table = [(i + 1, text_of(i), title_of(i)) for i in range(passages)]
        return {
            "psgs_w100.tsv": _quoted([("id", "text", "title"), *table]),
            f"biencoder-{name}-train.json": _biencoder(rows_of("train", passages), passages, pid_key, mark),
            f"biencoder-{name}-dev.json": _biencoder(rows_of("dev", passages), passages, pid_key, mark),
            f"{name}-test.qa.csv": _quoted((question_of(i), repr([keeper(i)])) for i in rows_of("test", passages)),
        }

    return files


LAYOUT = {
    "beir": _beir,
    "msmarco": _msmarco,
    "msmarco_doc": _msmarco_doc,
    "nq": _dpr("nq", "passage_id", "?"),
    "trivia": _dpr("trivia", "psg_id", "?"),
}
