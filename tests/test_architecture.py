"""The house rules, read off the source: who may import whom, how long things may be, what is never used.

The rules are functions over a folder, so that each is also shown a made-up tree that breaks it.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src"

# The rooms by floor, lowest first; an import points to a lower floor
FLOORS = (
    ("errors",),
    ("machine",),
    ("arrays", "results", "settings"),
    ("tracker",),
    ("losses", "samplers", "metrics", "store", "data", "encoders"),
    ("quantizers", "training", "encoding"),
    ("indexes", "labels"),
    ("lab",),
    ("retrievers", "finished"),
    ("composed", "export"),
    ("chosen",),
    ("pipeline",),
    ("launcher",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
SIDEWAYS = {("encoders", "data"), ("data", "store")}  # the imports between rooms of one floor
# Rooms outside the floors, and all that they may import
APART = {
    "report": {"errors", "results"},
    "page": {"errors", "report", "results"},
    "tables": {"errors", "report", "results"},
}
SEES_APART = {"pipeline", "finished", "export", "tracker"}  # rooms that may import those
LAZILY_ASIDE = (
    ("page", "data", "open_texts"),  # a page shows passages; nothing else of it reads a corpus
    ("report", "page", "illustrate"),  # python -m labrador.report --html
)
KNOWS = {  # packages that a few rooms alone may import
    "hydra": ("composed", "launcher"),
    "omegaconf": ("composed", "launcher", "pipeline", "finished"),
    "wandb": ("tracker",),
}
MAX_FILE, MAX_FUNCTION = 300, 60  # lines


@dataclass(frozen=True)
class Import:
    """One imported module, `labrador` or another package's, and where the statement stands."""

    place: str  # file:line
    source: str  # the importing module, inside the package: "data.beir"
    target: str  # dotted name; "labrador.…" for our own
    relative: bool
    typing_only: bool  # under `if TYPE_CHECKING:`
    function: str | None  # the innermost function around it


def module_name(path: Path, src: Path) -> str:
    """`data.beir` for src/data/beir.py, `data` for src/data/__init__.py, "" for src/__init__.py."""
    parts = path.relative_to(src).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, src: Path) -> Iterator[Import]:
    """Every import of a file, also those inside functions."""
    source = module_name(path, src)
    package = source.split(".") if path.name == "__init__.py" else source.split(".")[:-1]

    def walk(node: ast.AST, typing_only: bool, function: str | None) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            place = f"{path.relative_to(src.parent)}:{getattr(child, 'lineno', 0)}"
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(place, source, alias.name, False, typing_only, function)
            elif isinstance(child, ast.ImportFrom):
                relative = child.level > 0
                base = ["labrador", *[part for part in package if part][: len(package) - child.level + 1]]
                stem = ".".join([*(base if relative else []), *([child.module] if child.module else [])])
                for alias in child.names:  # `from ..data import ragged` imports the module data.ragged
                    yield Import(place, source, f"{stem}.{alias.name}", relative, typing_only, function)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                for part in child.body:
                    yield from walk(ast.Module([part], []), True, function)
                yield from walk(ast.Module(child.orelse, []), typing_only, function)
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield from walk(child, typing_only, child.name)
            else:
                yield from walk(child, typing_only, function)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False, None)


def room(module: str) -> str:
    """The room of a module inside the package: the first part of its name."""
    return module.split(".")[0]


def own(found: Import) -> str | None:
    """The room that an import leads to; None for another package's module and for labrador itself."""
    first, _, rest = found.target.partition(".")
    return room(rest) if first == "labrador" and rest and not rest.startswith("__") else None


def wrong_imports(src: Path) -> list[str]:
    """Imports that break a rule of direction, each as `file:line what is wrong`."""
    faults = []
    edges: dict[str, set[str]] = {}
    for path in sorted(src.rglob("*.py")):
        for found in imports(path, src):
            outside = found.target.split(".")[0]
            here, there = room(found.source), own(found)
            if outside == "src":
                faults.append(f"{found.place} imports src: a second, different copy of the package")
            elif outside == "labrador" and not found.relative:
                faults.append(f"{found.place} imports labrador by name: inside the package imports are relative")
            elif outside in KNOWS and here not in KNOWS[outside]:
                faults.append(f"{found.place} imports {outside}: only {' and '.join(KNOWS[outside])} may")
            if there is None or there == here or found.typing_only:
                continue
            if (here, there, found.function) not in LAZILY_ASIDE:
                edges.setdefault(here, set()).add(there)
                faults += [f"{found.place} {wrong}" for wrong in wrong_direction(here, there)]
    return faults + circles(edges)


def wrong_direction(here: str, there: str) -> list[str]:
    """What is wrong with an import from one room to another; empty if nothing is."""
    for name in (here, there):
        if name and name not in FLOOR and name not in APART:
            return [f"{name} is in no floor: give it one in {Path(__file__).name}"]
    if here in APART:
        return [] if there in APART[here] else [f"{here} stands apart and imports {there}"]
    if there in APART:
        return [] if here in SEES_APART else [f"{here} imports {there}, which stands apart"]
    if not here:
        return [f"the package's __init__ imports {there}"]
    if FLOOR[there] > FLOOR[here]:
        return [f"{here} imports {there}, which is above it"]
    if FLOOR[there] == FLOOR[here] and (here, there) not in SIDEWAYS:
        return [f"{here} imports {there}, which is on the same floor"]
    return []


def circles(edges: dict[str, set[str]]) -> list[str]:
    """A circle of rooms, if there is one."""
    try:
        list(TopologicalSorter(edges).static_order())
    except CycleError as error:
        return [f"circle: {' -> '.join(error.args[1])}"]
    return []


def unplaced(src: Path) -> list[str]:
    """Rooms in the tree that have no floor."""
    there = {room(module_name(path, src)) for path in src.rglob("*.py")} - {""}
    return sorted(there - set(FLOOR) - set(APART))


def too_long(src: Path) -> list[str]:
    """Files over MAX_FILE lines and functions over MAX_FUNCTION."""
    faults = []
    for path in sorted(src.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > MAX_FILE:
            faults.append(f"{path.relative_to(src.parent)} has {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno is not None:
                lines = node.end_lineno - node.lineno + 1
                if lines > MAX_FUNCTION:
                    faults.append(f"{path.relative_to(src.parent)}:{node.lineno} {node.name} has {lines} lines")
    return faults


def unsafe(folder: Path) -> list[str]:
    """Uses of pickle, eval, exec, a shell, or code that comes with a model."""
    faults = []
    for path in sorted(folder.rglob("*.py") if folder.is_dir() else [folder]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            faults += [f"{path.name}:{getattr(node, 'lineno', 0)} uses {name}" for name in unsafe_names(node)]
    return faults


def unsafe_names(node: ast.AST) -> list[str]:
    """The unsafe things that one node of a syntax tree does."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if is_pickle(alias.name)]
    if isinstance(node, ast.ImportFrom):
        return [node.module] if node.module and is_pickle(node.module) else []
    if isinstance(node, ast.ExceptHandler):
        return ["a bare except"] if node.type is None else []
    if not isinstance(node, ast.Call):
        return []
    called = ast.unparse(node.func)
    names = [called] if called in ("eval", "exec", "torch.load", "torch.save", "os.system") else []
    switches = ("trust_remote_code", "allow_pickle", "shell")
    on = [word for word in node.keywords if word.arg in switches and ast.unparse(word.value) != "False"]
    return names + [f"{word.arg}={ast.unparse(word.value)}" for word in on]


def is_pickle(module: str) -> bool:
    return module.split(".")[0] in ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")


def importers_of_src(root: Path) -> list[str]:
    """Files outside the package that import it as `src`."""
    faults = []
    for path in [*root.glob("*.py"), *root.glob("tests/**/*.py"), *root.glob("benchmarks/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            if any(name.split(".")[0] == "src" for name in names):
                faults.append(f"{path.relative_to(root)}:{getattr(node, 'lineno', 0)}")
    return faults


# The real tree


def test_imports_point_down():
    assert wrong_imports(SRC) == []


def test_every_room_has_a_floor():
    assert unplaced(SRC) == []


def test_nothing_imports_src():
    assert importers_of_src(ROOT) == []


def test_files_and_functions_are_short():
    assert too_long(SRC) == []


@pytest.mark.parametrize("place", ["src", "run.py", "search.py", "benchmarks"])
def test_no_unsafe_code(place):
    assert unsafe(ROOT / place) == []


# Made-up trees


def tree(root: Path, **files: str) -> Path:
    """A package of the given files, `data__beir` for src/data/beir.py."""
    src = root / "src"
    src.mkdir()
    for name, text in files.items():
        path = src.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for folder in {path.parent for path in src.rglob("*.py")} | {src}:
        (folder / "__init__.py").touch()
    return src


ALLOWED = {
    "errors": "import os",
    "data__beir": "from ..errors import LabradorError\nfrom .corpus import Corpus\nfrom ..store import Store",
    "encoders__tokens": "from ..data import corpus",
    "samplers__base": "from ..arrays.ragged import Ragged",
    "quantizers__flat": "class Fitted: ...",
    "indexes__flat": "from ..quantizers.flat import Fitted",
    "report__table": "from ..errors import LabradorError\nimport rich",
    "page__texts": "def open_texts():\n    from ..data.corpus import Corpus\n    return Corpus",
    "pipeline": "import omegaconf.errors\nfrom .lab import Lab\nfrom .results import ResultRow",
    "retrievers__dpr": "from ..lab import Lab\nfrom .base import Retriever",
}


def test_a_clean_tree_passes(tmp_path):
    src = tree(tmp_path, **ALLOWED)
    assert wrong_imports(src) == []
    assert unplaced(src) == []
    assert too_long(src) == []


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("data__nq", "from ..lab import Lab", "src/data/nq.py:1 data imports lab, which is above it"),
        ("data__nq", "def f():\n    from ..lab import Lab", "src/data/nq.py:2 data imports lab, which is above it"),
        ("data__nq", "from .. import lab", "src/data/nq.py:1 data imports lab, which is above it"),
        ("data__nq", "from .. import encoding as e", "src/data/nq.py:1 data imports encoding, which is above it"),
        ("losses__a", "from ..samplers import b", "losses imports samplers, which is on the same floor"),
        ("arrays__ragged", "from ..data.corpus import Corpus", "arrays imports data, which is above it"),
        ("encoding", "from .training.loop import train", "encoding imports training, which is on the same floor"),
        ("quantizers__pq", "from ..indexes.pq import X", "quantizers imports indexes, which is above it"),
        ("quantizers__pq", "def fit():\n    from ..indexes.pq import X", "quantizers imports indexes"),
        ("report__table", "from ..store import Store", "report stands apart and imports store"),
        ("report__table", "from ..data.corpus import Corpus", "report stands apart and imports data"),
        ("lab", "from .report.terminal import print_rows", "lab imports report, which stands apart"),
        (
            "lab",
            "import hydra.utils",
            "src/lab.py:1 imports hydra: only composed and launcher may",
        ),
        (
            "lab",
            "def f():\n    from omegaconf import DictConfig",
            "imports omegaconf: only composed and launcher",
        ),
        ("report__terminal", "def f():\n    import wandb", "src/report/terminal.py:2 imports wandb: only tracker may"),
        ("lab", "from labrador.data import corpus", "imports labrador by name"),
        ("lab", "import src.data", "imports src: a second, different copy"),
        ("helpers", "from .errors import X", "helpers is in no floor"),
        ("lab", "from .helpers import X", "helpers is in no floor"),
    ],
)
def test_a_wrong_import_is_found(tmp_path, name, text, fault):
    (found,) = wrong_imports(tree(tmp_path, **{name: text}))
    assert fault in found


def test_the_package_imports_none_of_its_rooms(tmp_path):
    src = tree(tmp_path)
    (src / "__init__.py").write_text("from .lab import Lab")
    assert wrong_imports(src) == ["src/__init__.py:1 the package's __init__ imports lab"]


def test_what_is_imported_for_types_only_may_point_anywhere_but_not_its_else(tmp_path):
    text = "if TYPE_CHECKING:\n    from .lab import Lab\nelse:\n    from .indexes import X"
    (found,) = wrong_imports(tree(tmp_path, encoding=text))
    assert "src/encoding.py:4 encoding imports indexes" in found


def test_a_circle_is_found(tmp_path):
    src = tree(tmp_path, data__a="from ..store import x", store__b="from ..data import y")
    found = wrong_imports(src)
    assert any(fault.startswith("circle:") and "data" in fault and "store" in fault for fault in found)


def test_a_new_room_needs_a_floor(tmp_path):
    assert unplaced(tree(tmp_path, helpers__x="", utils="")) == ["helpers", "utils"]


def test_long_files_and_functions_are_found(tmp_path):
    body = "    x = 1\n" * 60
    src = tree(
        tmp_path, lab=f"def f():\n{body}", losses__a="def g():\n" + body[: -len("    x = 1\n")], store="\n" * 301
    )
    assert too_long(src) == ["src/lab.py:1 f has 61 lines", "src/store.py has 301 lines"]


@pytest.mark.parametrize(
    "code",
    [
        *("import pickle", "from pickle import loads", "import joblib", "eval('1')", "exec('1')", "torch.load('x')"),
        *("f(trust_remote_code=True)", "f(trust_remote_code=flag)", "np.load('x', allow_pickle=True)"),
        *("subprocess.run('ls', shell=True)", "try:\n    f()\nexcept:\n    pass", "os.system('ls')"),
    ],
)
def test_unsafe_code_is_found(tmp_path, code):
    assert len(unsafe(tree(tmp_path, lab=code))) == 1


def test_safe_code_is_not_mistaken_for_it(tmp_path):
    code = "model.eval()\nast.literal_eval(x)\nnp.load(f, allow_pickle=False)\nf(trust_remote_code=False)\nimport json"
    assert unsafe(tree(tmp_path, lab=code)) == []


def test_importers_of_src_are_found(tmp_path):
    for name, text in {
        "run.py": "import src.lab",
        "tests/a/t.py": "from src import x",
        "b.py": "import srclib",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert importers_of_src(tmp_path) == ["run.py:1", "tests/a/t.py:1"]
