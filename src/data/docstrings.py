"""Docstrings of installed Python code, read from its source with `ast`; nothing is imported or run."""

import ast
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SKIPPED_FOLDERS = frozenset(  # tests, copies of other packages, and what is not part of the package
    ("test", "tests", "idlelib", "lib2to3", "turtledemo", "site-packages", "dist-packages", "_vendor", "_bundled")
)
SHORTEST_QUERY, LONGEST_QUERY = 3, 40  # words of a summary that could be a query
LONGEST_SUMMARY = 3  # lines; a longer one is a text
SHORTEST_TEXT = 10  # words of the rest

_SECTION = re.compile(
    r"(args|arguments|parameters?|params|returns?|raises|yields|examples?|notes?|usage|attributes)\b", re.IGNORECASE
)
_NOT_A_QUERY = re.compile(r">>>|```| = |`, \*optional\*|:$")  # code, a grammar rule, a parameter, a heading


class Entry(NamedTuple):
    """A documented module, class or function: its qualified name, its summary and the rest of its docstring."""

    name: str
    summary: str
    text: str


def read_docstrings(root: Path, package: str, skipped: frozenset[str] = frozenset()) -> Iterator[Entry]:
    """The entries of every .py file below `root`, which is the folder of `package` ("": the standard library).

    `skipped` names subfolders: "models" for transformers/models. Left out are private names, docstrings whose summary
    could not be a query or is all they have, and files that are not Python (templates, say). Files come sorted.
    """
    for path in sorted(root.rglob("*.py")):
        folders = path.relative_to(root).parts[:-1]
        if SKIPPED_FOLDERS.intersection(folders) or (folders and folders[0] in skipped):
            continue
        tree = _parse(path)
        if tree is not None:
            parts = [package, *folders, "" if path.stem == "__init__" else path.stem]
            yield from _entries(tree, ".".join(filter(None, parts)))


def _parse(path: Path) -> ast.Module | None:
    source = path.read_bytes()
    if b'"""' not in source and b"'''" not in source:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in other people's code
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            return None


def _entries(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> Iterator[Entry]:
    found = split_docstring(ast.get_docstring(node) or "")
    if found is not None and name:
        yield Entry(name, *found)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return  # what a function defines cannot be used from outside
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and _is_public(child.name):
            yield from _entries(child, f"{name}.{child.name}")


def _is_public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def split_docstring(docstring: str) -> tuple[str, str] | None:
    """The summary (the first paragraph, on one line) and the rest of a docstring.

    None if the summary is not a query (1 or 2 words, a heading, code, too long) or the rest is not a text.
    """
    first, _, rest = docstring.strip().partition("\n\n")
    lines = first.split("\n")
    summary, text = " ".join(first.split()), rest.strip("\n")
    words = len(summary.split())
    if len(lines) > LONGEST_SUMMARY or any(line[:1].isspace() for line in lines):
        return None
    if not SHORTEST_QUERY <= words <= LONGEST_QUERY or len(text.split()) < SHORTEST_TEXT:
        return None
    if not summary[0].isalpha() or _SECTION.fullmatch(summary) or _NOT_A_QUERY.search(summary):
        return None
    return summary, text
