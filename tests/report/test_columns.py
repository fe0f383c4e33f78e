"""How figures are shown, and which one is the best."""

from labrador.report.averages import average
from labrador.report.columns import best_of, columns


def column(rows, title):
    (found,) = [column for column in columns(rows) if column.title == title]
    return found


def test_titles(row):
    titles = [column.title for column in columns([row(settings={"quantizer.bits": "64"})])]
    assert titles[0] == "retriever"
    assert "quantizer.bits" in titles
    assert titles[-9:-4] == ["bytes/passage", "index size", "on disk for rerank", "ms/query p50", "queries/s"]
    assert titles[-4:] == ["train (s)", "encode (s)", "quantize (s)", "search (s)"]


def test_the_stages_of_a_search_have_columns_where_a_row_has_them(row):
    before = row(latency_ms={"p50": 2.5, "p99": 4.0})  # as rows were before stages were timed
    rows = [before, row(latency_ms={"p50": 2.6, "p99": 4.0, "candidates": 1.234, "rerank": 0.5})]
    titles = [column.title for column in columns(rows)]
    assert titles[-7:-4] == ["ms/query candidates", "ms/query rerank", "queries/s"]
    assert [column(rows, "ms/query candidates").text(row) for row in rows] == ["-", "1.23"]
    assert [column(rows, "ms/query rerank").text(row) for row in rows] == ["-", "0.500"]
    assert not [column.title for column in columns([before]) if column.title.endswith(("y candidates", "y rerank"))]


def test_quality_is_best_high_and_cost_is_best_low(sweep):
    assert best_of(column(sweep, "R@20"), sweep) == "0.900"
    assert best_of(column(sweep, "bytes/passage"), sweep) == "48"
    assert best_of(column(sweep, "ms/query p50"), sweep) == "0.0821"
    assert best_of(column(sweep, "queries/s"), sweep) == "9,100"


def test_names_and_columns_without_a_choice_have_no_best(row, sweep):
    assert best_of(column(sweep, "retriever"), sweep) is None
    assert best_of(column(sweep, "nDCG@10"), sweep) is None  # None in every row
    assert best_of(column(sweep, "train (s)"), sweep) is None  # one value and None
    assert best_of(column(sweep, "MRR@10"), [row()]) is None


def test_a_stage_that_took_no_time_was_not_there(row):
    rows = [row(seconds={"train": value}) for value in (0.0, 12.0, None, 3.0)]
    found = column(rows, "train (s)")
    assert [found.text(row) for row in rows] == ["-", "12.0", "-", "3.0"]
    assert best_of(found, rows) == "3.0"


def test_values_that_look_the_same_are_equally_good(row):
    rows = [row(metrics={"R@1": value}) for value in (0.60012, 0.6001, 0.5)]
    found = column(rows, "R@1")
    assert [found.text(row) == best_of(found, rows) for row in rows] == [True, True, False]


def test_what_follows_a_mean(row):
    mean = average([row(seed=3), row(seed=10)], {"MRR@10": 0.0123}, {"MRR@10": 1, "R@20": -1})
    found = {title: column([mean], title) for title in ("MRR@10", "R@20", "seed", "queries/s")}
    assert [found["MRR@10"].text(mean), found["MRR@10"].cell(mean).spread] == ["0.600", "(0.012)"]
    suffixes = {title: column.cell(mean).suffix for title, column in found.items()}
    assert suffixes == {"MRR@10": "(0.012) ▲", "R@20": "▼", "seed": "", "queries/s": ""}
    assert found["seed"].text(mean) == "3, 10"
    assert column([row()], "MRR@10").cell(row()).suffix == ""


def test_settings_that_options_and_settings_do_not_tell_have_a_column(row):
    rows = [row(components={"train.max_steps": steps, "train.batch_size": "16"}) for steps in ("60", "200")]
    assert [column(rows, "train.max_steps").text(row) for row in rows] == ["60", "200"]
    other = row(retriever="bpr", components={"train.max_steps": "9"})
    assert "train.batch_size" not in [found.title for found in columns([*rows, other])]
    given = [row(settings={"train.max_steps": s}, components={"train.max_steps": s}) for s in ("60", "200")]
    assert [found.title for found in columns(given)].count("train.max_steps") == 1


def test_a_setting_of_a_group_that_a_row_does_not_use_is_no_difference(row):
    lexical = row(retriever="bm25", train=None)
    rows = [row(train="quick", settings={"train.epochs": "3"}), lexical]
    assert column(rows, "train.epochs").optional
    assert not column([*rows, row(train="quick")], "train.epochs").optional
