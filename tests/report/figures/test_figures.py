"""The figures of made-up runs: their files, their text, and what is left out."""

import re
from pathlib import Path

import pytest
from made_runs import CELLS, make_curves, make_runs

from labrador.errors import LabradorError
from labrador.report.costs import costs
from labrador.report.figures import outstanding, tradeoff, write_figures
from labrador.report.figures.legend import looks_of
from labrador.report.figures.style import COLOURS, INK
from labrador.report.groups import groups
from labrador.report.systems import systems
from labrador.results import find

NAMES = ("quality-bytes", "quality-index", "quality-latency", "recall", "gains", "training")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    make_curves(folder / "store")
    return systems(find([make_runs(folder)])), folder / "store"


@pytest.fixture(scope="module")
def drawn(runs, tmp_path_factory):
    found, store = runs
    folder = tmp_path_factory.mktemp("figures")
    baseline = next(system for system in found if system.label == "pretrained flat")
    return folder, *write_figures(found, folder, store, [baseline], ["MRR@10"])


def words(file):
    """All text of an SVG file."""
    return [text.replace("&gt;", ">") for text in re.findall(r"<text[^>]*>([^<]*)</text>", file.read_text())]


def test_all_figures_as_png_and_svg(drawn):
    folder, files, notes = drawn
    assert notes == []
    assert sorted(path.name for path in files) == sorted(f"beir-{n}.{kind}" for n in NAMES for kind in ("png", "svg"))
    assert all(path.parent == folder and path.stat().st_size > 3000 for path in files)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in files if path.suffix == ".png")


def test_the_front_is_labelled_and_the_legend_explains_the_markers(drawn):
    folder, *_ = drawn
    shown = words(folder / "beir-quality-bytes.svg")
    assert {"pretrained pq", "dpr hash", "dpr flat"} <= set(shown)  # 16, 48 and 1,536 bytes
    assert "dpr pq" not in shown
    assert {"Retriever", "Compression", "Search", "reranked", "Pareto front", "bm25", "none"} <= set(shown)
    assert {"16", "48", "1,536"} <= set(shown)
    assert "beir, 60 passages, 24 queries" in shown
    assert "ms per query (median, one query at a time)" in words(folder / "beir-quality-latency.svg")


def test_recall_gains_and_training_name_their_systems(drawn):
    folder, *_ = drawn
    recall = words(folder / "beir-recall.svg")
    assert {"pretrained flat (baseline)", "dpr flat", "bm25", "1", "5", "20", "R@k"} <= set(recall)
    gains = words(folder / "beir-gains.svg")
    assert "beir, 60 passages, 24 queries: MRR@10 minus that of pretrained flat" in gains
    assert {"dpr flat", "dpr hash", "bm25"} <= set(gains)
    assert "pretrained flat" not in gains
    training = words(folder / "beir-training.svg")
    assert {"dpr", "Contrastive, BM25Hard", "seed 0", "seed 1", "training loss"} <= set(training)


def test_the_same_results_give_the_same_files(runs, drawn, tmp_path):
    found, store = runs
    _, files, _ = drawn
    baseline = next(system for system in found if system.label == "pretrained flat")
    again, _ = write_figures(found, tmp_path, store, [baseline], ["MRR@10"])
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in files]


def test_what_cannot_be_drawn_is_noted(runs, tmp_path):
    found, _ = runs
    files, notes = write_figures(found, tmp_path / "new" / "folder", tmp_path / "no store")
    assert sorted(path.stem for path in files)[::2] == [
        *("beir-quality-bytes", "beir-quality-index", "beir-quality-latency", "beir-recall"),
    ]
    assert notes == [
        "beir-gains: left out, since it needs a --baseline among its systems",
        f"beir-training: 2 of 2 trainings are not in the store {tmp_path / 'no store'} (--store names another)",
    ]


def test_gains_need_the_scores_of_each_query(tmp_path):
    folder = make_runs(tmp_path, cells=CELLS[:2])
    (folder / "0-0" / "per_query.parquet").unlink()
    found = systems(find([folder]))
    _, notes = write_figures(found, tmp_path / "figures", tmp_path, [found[1]])
    assert notes[0].startswith("beir-gains: left out, since there is no per_query.parquet next to ")


def test_a_folder_that_cannot_be_written_is_one_error(runs, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LabradorError, match=r"cannot be written .*name another folder"):
        write_figures(runs[0], tmp_path / "file", tmp_path)


def test_of_many_systems_the_front_and_each_retrievers_best_stand_out(row):
    rows = [row(quantizer=f"pq{n}", bytes_per_passage=float(n), metrics={"MRR@10": 0.5 - n / 100}) for n in range(1, 9)]
    rows += [row(retriever="bpr", quantizer="flat", bytes_per_passage=99.0, metrics={"MRR@10": 0.3})]
    (group,) = groups(systems({Path(f"{n}/result.json"): each for n, each in enumerate(rows)}))
    assert [system.label for system in outstanding(group, "MRR@10")] == ["dpr pq1", "bpr flat"]


def test_a_system_without_a_size_is_left_out_of_that_figure(row):
    rows = [row(), row(quantizer="pq", bytes_per_passage=None)]
    (group,) = groups(systems({Path(f"{n}/result.json"): each for n, each in enumerate(rows)}))
    assert [p.system.label for p in tradeoff.points(group, costs()[0], "MRR@10")] == ["dpr flat"]
    (lone,) = groups(systems({Path("0/result.json"): rows[1]}))
    assert tradeoff.draw(lone, costs()[0], "MRR@10") is None


def test_a_reranked_marker_keeps_its_retrievers_colour_inside_a_dark_edge(row):
    rows = [row(retriever=name, search=search) for name in ("bpr", "dpr") for search in ("scan", "two_stage")]
    looks = [looks_of(rows)(each) for each in rows]
    faces = [look["markerfacecolor"] for look in looks]
    assert faces[0] == faces[1] == COLOURS[0]
    assert faces[2] == faces[3] not in ("white", COLOURS[1])  # pale: light in grey print
    assert [look["markeredgecolor"] for look in looks] == [COLOURS[0], INK, COLOURS[1], INK]


def test_the_first_six_retrievers_differ_without_colour(row):
    rows = [row(retriever=f"r{number}") for number in range(6)]
    looks = [looks_of(rows)(each) for each in rows]
    assert len({(look["fillstyle"], look["markerfacecolor"] in COLOURS) for look in looks}) == 6
