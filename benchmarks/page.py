"""The size of the page of a large comparison, and how soon a browser shows it.

    OMP_NUM_THREADS=1 python benchmarks/page.py        # 40 systems, 7,000 queries, 300,000 passages; needs Chromium

Everything is made up: passages of 60 words with Zipf's frequencies, rankings that partly agree, one relevant passage
for each query. Prints a Markdown table; processor seconds of the browser depend less on what else the machine does than
elapsed seconds. `--keep FILE` keeps the page.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, sync_playwright

from labrador.data.judgements import Judgement
from labrador.data.writer import Passage, Query, SchemaWriter
from labrador.metrics.run_files import write_per_query, write_trec
from labrador.page import write_page
from labrador.report.comparison import compare
from labrador.results import ResultRow, find

METRICS = ("MRR@10", "R@1", "R@5", "R@20", "R@50", "R@100", "R@1000", "nDCG@10")
DEPTH = 20  # lines for each query in a run file; a page reads the first 10
NEAR = 60  # passages among which the rankings of a query differ
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
TIMES = 5


def texts(rng: np.random.Generator, count: int, words: int) -> Iterator[str]:
    """Made-up texts of `words` words."""
    syllables = [c + v for c in "bcdfghjklmnprstvw" for v in ("a", "e", "i", "o", "u", "an", "er", "in", "on", "st")]
    vocabulary = np.array(["".join(rng.choice(syllables, rng.integers(1, 5))) for _ in range(30_000)])
    for _ in range(count):
        yield " ".join(vocabulary[np.minimum(rng.zipf(1.25, words) - 1, len(vocabulary) - 1)])


def write_corpus(folder: Path, passages: int, queries: int) -> None:
    """A corpus with a test split, passage q relevant to query q."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    writer = SchemaWriter(folder, "qrels")
    made = enumerate(texts(rng, passages, 60))
    writer.passages(folder, (Passage(n + 1, f"{n:07d}", text[:24], text) for n, text in made))
    asked = [Query(n + 1, f"q{n}", text) for n, text in enumerate(texts(rng, queries, 8))]
    judged = writer.judgements(folder, (Judgement(n + 1, f"q{n}", f"{n:07d}", 1) for n in range(queries)))
    writer.split("test", folder, asked, judged)
    writer.finish()


def write_runs(folder: Path, systems: int, queries: int, passages: int) -> None:
    """Runs of `systems` systems, each worse than the one before; all rank the same NEAR passages of a query."""
    rng = np.random.default_rng(1)
    near = rng.integers(0, passages, (queries, NEAR))
    near[:, 0] = np.arange(queries)
    closeness = np.linspace(3, 0, NEAR)
    qids = [f"q{query}" for query in range(queries)]
    for system in range(systems):
        order = np.argsort(-(closeness + rng.gumbel(scale=0.4 + system / 40, size=(queries, NEAR))), axis=1)
        ranks = 1 + np.argmin(order, axis=1).astype(float)
        ids = np.take_along_axis(near, order[:, :DEPTH], axis=1)
        place = folder / str(system)
        place.mkdir(parents=True)
        scores = np.tile(np.linspace(1, 0, DEPTH, dtype=np.float32), (queries, 1))
        write_trec(place / "run.trec", qids, lambda rows: [f"{row:07d}" for row in rows], ids, scores, "made")
        figures = {name: 1 / (ranks + rng.integers(0, 3, queries)) for name in METRICS}
        write_per_query(place / "per_query.parquet", qids, figures)
        means: dict[str, float | None] = {name: float(values.mean()) for name, values in figures.items()}
        row(system, means, queries, passages).write(place / "result.json")


def row(system: int, metrics: dict[str, float | None], queries: int, passages: int) -> ResultRow:
    """A result row: eight compressions of five retrievers."""
    fields: dict[str, Any] = {"retriever": f"retriever{system // 8}", "quantizer": f"codes{system % 8}", "seed": 0}
    fields |= {"sampler": None, "search": "scan", "data": "made-up", "encoder": "made-up", "metrics": metrics}
    fields |= {"queries": queries, "passages": passages, "bytes_per_passage": 16.0 * (1 + system % 8)}
    fields |= {"index_bytes": 1000 * system, "disk_bytes": 0, "latency_ms": {"p50": 1 + system / 10}, "qps": 100.0}
    fields |= {"threads": 1, "device": "cpu", "seconds": {"train": 1.0}, "keys": {"data": "corpus"}, "commit": None}
    return ResultRow(**fields)


def visit(browser: Browser, file: Path) -> dict[str, float]:
    """Seconds, and processor seconds, until the page is drawn, fully loaded, and its query browser shows a query."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def processor() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "ProcessTime")

    start = time.perf_counter()
    page.goto(file.as_uri(), wait_until="commit")
    page.wait_for_selector("html[data-ready]")
    drawn = time.perf_counter() - start
    page.wait_for_load_state("load")
    opened, used = time.perf_counter() - start, processor()
    start = time.perf_counter()
    page.click("#open")
    page.wait_for_selector("#query .systems .hit")
    asked = time.perf_counter() - start
    seconds = {"drawn": drawn, "opened": opened, "opened, processor": used, "query shown": asked}
    seconds["query shown, processor"] = processor() - used
    page.close()
    return seconds


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds and processor seconds of some work."""
    start, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - processor


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("--systems", 40), ("--queries", 7000), ("--passages", 300_000)):
        parser.add_argument(name, type=int, default=value)
    parser.add_argument("--keep", type=Path)
    settings = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        parser.error("no Chromium on this machine; install one (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus(folder / "store" / "data" / "corpus", settings.passages, settings.queries)
        write_runs(folder / "runs", settings.systems, settings.queries, settings.passages)
        found, file = compare(find([folder / "runs"])), folder / "page.html"
        seconds, used = timed(lambda: write_page(found, file, folder / "store", "made up"))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            visits = [visit(browser, file) for _ in range(TIMES)]
            browser.close()
        shape = f"{settings.systems} systems, {settings.queries:,} queries, {settings.passages:,} passages"
        print(f"| {shape} | median of {TIMES} | least |\n|---|---|---|")
        for name in visits[0]:
            values = [one[name] for one in visits]
            print(f"| {name}, seconds | {statistics.median(values):.2f} | {min(values):.2f} |")
        size = file.stat().st_size / 1e6
        print(f"\nThe file is {size:.1f} MB and took {seconds:.0f} s to write ({used:.0f} s of processor time).")
        if settings.keep:
            shutil.copyfile(file, settings.keep)


if __name__ == "__main__":
    main()
