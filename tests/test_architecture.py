"""The house rules, read off the source: who may import whom, how long things may be, what is never used.

The rules are functions over a folder, so that each is also shown a made-up tree that breaks it.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src"

# The rooms by floor, lowest first. An import, for types alone or not, points to a lower floor or stays in its room.
FLOORS = (
    ("errors",),
    ("machine",),
    ("arrays", "settings", "results"),
    ("store",),
    ("data",),
    ("losses", "samplers", "metrics", "encoders"),
    ("quantizers", "training", "encoding"),
    ("indexes", "labels"),
    ("lab",),
    ("retrievers",),
    ("composed", "finished", "tracker"),
    ("chosen", "export"),
    ("pipeline",),
    ("launcher",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# Rooms outside the floors, and all that they may import
APART = {
    "report": {"errors", "results"},
    "page": {"errors", "results", "report"},
    "tables": {"errors", "results", "report"},
}
SEES_APART = {"pipeline", "launcher", "finished", "export", "tracker"}  # rooms that may import those
READS_TEXTS = "page.texts"  # the one file that stands apart and reads corpora
DOOR = "__main__"  # `python -m labrador.ROOM` may import any room but the launcher
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


def module_name(path: Path, src: Path) -> str:
    """`data.beir` for src/data/beir.py, `data` for src/data/__init__.py, "" for src/__init__.py."""
    parts = path.relative_to(src).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, src: Path) -> Iterator[Import]:
    """Every import of a file, also those inside functions and those for types alone."""
    source = module_name(path, src)
    package = source.split(".") if path.name == "__init__.py" else source.split(".")[:-1]

    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        place = f"{path.relative_to(src.parent)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(place, source, alias.name, False)
        elif isinstance(node, ast.ImportFrom):
            relative = node.level > 0
            base = ["labrador", *[part for part in package if part][: len(package) - node.level + 1]]
            stem = ".".join([*(base if relative else []), *([node.module] if node.module else [])])
            for alias in node.names:  # `from ..data import corpus` imports the module data.corpus
                yield Import(place, source, f"{stem}.{alias.name}", relative)


def room(module: str) -> str:
    """The room of a module inside the package: the first part of its name."""
    return module.split(".")[0]


def wrong_imports(src: Path) -> list[str]:
    """Imports that break a rule of direction, each as `file:line what is wrong`, and circles of files."""
    files = {module_name(path, src): path for path in sorted(src.rglob("*.py"))}
    faults: list[str] = []
    edges: dict[str, set[str]] = {}
    for module, path in files.items():
        for found in imports(path, src):
            faults += [f"{found.place} {fault}" for fault in wrong_package(found)]
            target = file_of(found.target, files)
            if target is not None and target != module:
                edges.setdefault(module, set()).add(target)
                faults += [f"{found.place} {fault}" for fault in wrong_direction(module, target)]
    return faults + circles(edges)


def wrong_package(found: Import) -> list[str]:
    """What is wrong with the package that is imported, and with how."""
    outside, here = found.target.split(".")[0], room(found.source)
    if outside == "src":
        return ["imports src: a second, different copy of the package"]
    if outside == "labrador" and not found.relative:
        return ["imports labrador by name: inside the package imports are relative"]
    if outside in KNOWS and here not in KNOWS[outside]:
        return [f"imports {outside}: only {' and '.join(KNOWS[outside])} may"]
    return []


def file_of(target: str, files: Mapping[str, Path]) -> str | None:
    """The module of the package that holds what is imported, `data.beir` for labrador.data.beir.Beir; None: no room."""
    first, _, name = target.partition(".")
    if first != "labrador":
        return None
    while name and name not in files:
        name = name.rpartition(".")[0]
    if not name and "." in target:  # a room that is not there: a made-up tree names it without having its files
        name = target.split(".")[1]
    return None if name.startswith("__") else name or None


def wrong_direction(source: str, target: str) -> list[str]:
    """What is wrong with the import of one module by another; empty if nothing is."""
    here, there = room(source), room(target)
    if here == there:
        return []
    for name in (here, there):
        if name and name not in FLOOR and name not in APART:
            return [f"{name} is in no floor: give it one in {Path(__file__).name}"]
    if source.endswith(DOOR) or (source == READS_TEXTS and there in ("data", "store")):
        return [f"{here} imports launcher, which is above it"] if there == "launcher" else []
    if here in APART:
        return [] if there in APART[here] else [f"{here} stands apart and imports {there}"]
    if there in APART:
        return [] if here in SEES_APART else [f"{here} imports {there}, which stands apart"]
    if not here:
        return [f"the package's __init__ imports {there}"]
    if FLOOR[there] > FLOOR[here]:
        return [f"{here} imports {there}, which is above it"]
    if FLOOR[there] == FLOOR[here]:
        return [f"{here} imports {there}, which is on the same floor"]
    return []


def circles(edges: dict[str, set[str]]) -> list[str]:
    """A circle of files, if there is one."""
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
        path = src.joinpath(*name.split("." if "." in name else "__")).with_suffix(".py")
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
    "quantizers__flat": "from .base import FittedQuantizer",
    "quantizers__base": "",
    "indexes__flat": "from ..quantizers.flat import Fitted",
    "results": "from .errors import LabradorError\nimport pandas",
    "report__table": "from ..errors import LabradorError\nfrom ..results import ResultRow\nimport rich",
    "report.__main__": "def main():\n    from ..page import write_page",
    "page__texts": "from ..data.corpus import Corpus",
    "pipeline": "import omegaconf.errors\nfrom .lab import Lab\nfrom .report.table import print_rows",
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
        ("training__loop", "from ..quantizers import flat", "training imports quantizers, which is on the same floor"),
        ("encoders__base", "if TYPE_CHECKING:\n    from ..lab import Lab", "encoders imports lab, which is above it"),
        ("quantizers__pq", "from ..indexes.pq import X", "quantizers imports indexes, which is above it"),
        ("quantizers__pq", "def fit():\n    from ..indexes.pq import X", "quantizers imports indexes"),
        ("training__loop", "def index():\n    from ..indexes.pq import X", "training imports indexes"),
        ("report__table", "from ..store import Store", "report stands apart and imports store"),
        ("page__summary", "from ..data.corpus import Corpus", "page stands apart and imports data"),
        ("report__table", "from ..page import write_page", "report stands apart and imports page"),
        ("lab", "from .report.table import print_rows", "lab imports report, which stands apart"),
        ("store.__main__", "from ..launcher import launch", "store imports launcher, which is above it"),
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
        ("report__table", "def f():\n    import wandb", "src/report/table.py:2 imports wandb: only tracker may"),
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


def test_a_circle_of_files_is_found_in_one_room_and_among_typing_imports(tmp_path):
    src = tree(
        tmp_path,
        data__a="from .b import x",
        data__b="def f():\n    from .c import x",
        data__c="if TYPE_CHECKING:\n    from .a import X",
        data__d="from .a import x",
    )
    (found,) = wrong_imports(src)
    assert found.startswith("circle:")
    assert {"data.a", "data.b", "data.c"} <= set(found.removeprefix("circle: ").split(" -> "))


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
