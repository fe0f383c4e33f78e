"""The page of a report in a real browser: nothing may go wrong in it, and it makes no network request."""

import shutil

import pytest
from made_runs import CELLS, MARKUP, make_corpus, make_runs
from playwright.sync_api import sync_playwright

from labrador.page import write_page
from labrador.report.comparison import compare
from labrador.results import find

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def chromium():
    """The browser of this machine."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; install one (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """A function that opens a page file; at the end nothing may have gone wrong in it."""
    wrong, contexts = [], []

    def go(file, **options):
        context = chromium.new_context(viewport={"width": 1280, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: wrong.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on("request", lambda request: wrong.append(request.url) if request.url != file.as_uri() else None)
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready]")
        return page

    yield go
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The page of one data set with its corpus; the runs; what is left out."""
    folder = tmp_path_factory.mktemp("made")
    make_corpus(folder / "store")
    found = compare(find([make_runs(folder)]), baseline="dpr flat")
    notes = write_page(found, folder / "page.html", folder / "store", f"made {MARKUP}")
    return folder / "page.html", found, notes


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The page of two data sets without their corpora; what is left out."""
    folder = tmp_path_factory.mktemp("two")
    found = compare(
        find([make_runs(folder, data=data, cells=CELLS[:count]) for data, count in (("beir", 4), ("nq", 3))])
    )
    return folder / "page.html", write_page(found, folder / "page.html", folder, "two")


@pytest.fixture
def page(visit, made):
    return visit(made[0])


@pytest.fixture(scope="session")
def labels():
    """A function that returns the labels of a table's systems in the order shown."""

    def shown(page, table="table"):
        return page.eval_on_selector_all(f"#{table} tbody tr", "rows => rows.map(row => row.dataset.label)")

    return shown
