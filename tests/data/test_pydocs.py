"""Docstrings as a retrieval set."""

import subprocess
import sys

import pytest

from labrador.data import pydocs
from labrador.data.corpus import Corpus
from labrador.data.docstrings import Entry, read_docstrings, split_docstring
from labrador.data.prepare import prepare
from labrador.data.pydocs import PyDocs, split_of, write_entries
from labrador.data.writer import SchemaWriter
from labrador.errors import LabradorError
from labrador.settings import build
from labrador.store import Store

REST = "one two three four five six seven eight nine ten"

SOURCE = f'''"""A module about foxes.

{REST}
"""
raise SystemExit("this must never run")

class Fox:
    """Something with a tail.

    {REST}
    """

    def run(self):
        """Run away from
        the hounds.

        {REST}
        """
        def inner():
            """Never seen from outside.

            {REST}
            """

    def _hide(self):
        """Hide from the hounds.

        {REST}
        """

def bare():
    """No rest at all here."""
'''


def test_public_docstrings_are_read_and_nothing_is_run(tmp_path):
    package = tmp_path / "zoo"
    for folder in (package, package / "tests", package / "models", package / "deep"):
        folder.mkdir()
        (folder / "fox.py").write_text(SOURCE)
    (package / "__init__.py").write_text(SOURCE)
    (package / "template.py").write_text('"""{{ not Python')
    entries = list(read_docstrings(package, "zoo", frozenset({"models"})))
    assert [entry.name for entry in entries] == [
        f"zoo{module}{inner}" for module in ("", ".deep.fox", ".fox") for inner in ("", ".Fox", ".Fox.run")
    ]
    assert entries[2] == Entry("zoo.Fox.run", "Run away from the hounds.", REST)


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        (f"Return a copy.\n\n{REST}\n\n  more", ("Return a copy.", f"{REST}\n\n  more")),
        (f"Two words.\n\n{REST}", None),
        ("Return a copy.\n\nToo short a rest.", None),
        ("Return a copy.", None),
        ("", None),
        (f"Examples of its use:\n\n{REST}", None),
        (f"a = b c\n\n{REST}", None),
        (f"x (`int`, *optional*) is it\n\n{REST}", None),
        (f"one two\nthree\nfour\nfive\n\n{REST}", None),
        (f"Args and such\n    indented\n\n{REST}", None),
        (f"{'word ' * 41}\n\n{REST}", None),
    ],
)
def test_only_a_summary_that_could_be_asked_and_a_rest_that_could_answer(docstring, expected):
    assert split_docstring(docstring) == expected


def test_copies_are_merged(tmp_path):
    entries = [
        Entry("a.sort", "Sort the list.", "text one"),
        Entry("b.sort", "Sort the list", "text one"),
        Entry("c.order", "sort the list.", "text two"),
        Entry("d.order", "Put in order.", "text two"),
        Entry("e.sort", "Put it all in order.", "text one"),
        Entry("f.other", "Do something else.", "text one"),
    ]
    out = SchemaWriter(tmp_path, "qrels")
    write_entries(entries, out)
    out.finish()
    corpus = Corpus(tmp_path)
    assert corpus.passages.pids(range(len(corpus.passages))) == ["a.sort", "c.order", "f.other"]
    found = {}
    for split in corpus.splits:
        queries = corpus.queries(split)
        for qid, text, rows in zip(queries.qids, queries.texts, corpus.positives(split), strict=True):
            assert split_of(qid) == split
            found[qid] = (text, corpus.passages.pids(rows))
    assert found == {
        "a.sort": ("Sort the list.", ["a.sort", "c.order"]),
        "d.order": ("Put in order.", ["c.order"]),
        "e.sort": ("Put it all in order.", ["a.sort"]),
        "f.other": ("Do something else.", ["f.other"]),
    }


def test_splits_are_fixed_by_the_name():
    names = [f"package.module.name{i}" for i in range(2000)]
    counts = {split: sum(split_of(name) == split for name in names) for split in ("train", "dev", "test")}
    assert counts == {"train": 1639, "dev": 182, "test": 179}


def test_the_standard_library_alone(tmp_path):
    corpus = prepare(PyDocs(packages=()), Store(tmp_path))
    assert 1900 < len(corpus.passages) < 3000
    assert corpus.splits == ("train", "dev", "test")
    assert len(corpus.queries("test")) > 100
    train, test = corpus.queries("train"), corpus.queries("test")
    assert not set(train.texts) & set(test.texts)
    row = train.qids.index("textwrap.dedent")
    assert train.texts[row] == "Remove any common leading whitespace from every line in `text`."
    ((title, text),) = corpus.passages.read(corpus.positives("train")[row])
    assert title == "textwrap.dedent"
    assert text.startswith("This can be used to make triple-quoted strings line up")


def test_packages_are_found_without_being_imported_and_missing_ones_left_out(tmp_path, monkeypatch, caplog):
    package = tmp_path / "zoo_of_tests"
    package.mkdir()
    (package / "__init__.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(pydocs.sysconfig, "get_paths", lambda: {"stdlib": str(tmp_path / "empty")})
    source = PyDocs(packages=("zoo_of_tests", "surely_not_installed"))
    assert source.split_identity(tmp_path, ())["packages"] == {"zoo_of_tests": "unversioned"}
    with caplog.at_level("INFO"):
        corpus = prepare(source, Store(tmp_path / "store"))
    assert sorted(corpus.passages.pids(range(3))) == ["zoo_of_tests", "zoo_of_tests.Fox", "zoo_of_tests.Fox.run"]
    assert "surely_not_installed is not installed" in caplog.text
    assert "zoo_of_tests" not in sys.modules


def test_the_packages_and_their_versions_name_the_artifact(tmp_path, monkeypatch):
    few, more = PyDocs(packages=("numpy",)), PyDocs(packages=("numpy", "pandas"))
    assert few.split_identity(tmp_path, ()) != more.split_identity(tmp_path, ())
    before = few.split_identity(tmp_path, ())
    monkeypatch.setattr(pydocs.importlib.metadata, "version", lambda name: "0.0")
    assert few.split_identity(tmp_path, ()) != before


def test_reading_imports_none_of_the_packages():
    code = (
        "import sys, pathlib; from labrador.data.pydocs import PyDocs; source = PyDocs();"
        "source.split_identity(pathlib.Path('x'), ());"
        "print([name for name in ('torch', 'transformers', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_settings_are_checked():
    with pytest.raises(LabradorError, match=r"^data.path=x: expected one of the settings name, max_passages"):
        build("data", {"_target_": "labrador.data.pydocs.PyDocs", "path": "x"})
    with pytest.raises(LabradorError, match=r"^packages=.*: expected a list of package names"):
        PyDocs(packages=("../numpy",))
