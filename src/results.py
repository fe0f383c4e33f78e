"""The result row: what one run found, `result.json` in its folder. Every table, plot and page is made from these."""

import json
import types
import typing
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from .errors import LabradorError

VERSION = 1
FILE_NAME = "result.json"


@dataclass(frozen=True)
class Data:
    """What a row was scored on: passages, questions and judgements; the same by their key, whatever they are called."""

    key: str  # the fingerprint; of a row from before rows had one its name and sizes
    name: str = field(compare=False)
    passages: int = field(compare=False)
    queries: int = field(compare=False)


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """One cell of a comparison. Components are named by their options; None = the method does not use one."""

    retriever: str
    quantizer: str | None
    sampler: str | None
    search: str | None
    data: str  # what the data is called
    encoder: str | None
    seed: int
    metrics: dict[str, float | None]  # means over `queries`; None = not defined for this data or depth
    queries: int  # questions that were scored
    passages: int
    bytes_per_passage: float | None  # of the serialized codes
    index_bytes: int | None  # serialized, in memory while searching
    disk_bytes: int | None  # dense vectors kept for rerank
    latency_ms: dict[str, float | None]  # of one query at a time, search only: "p50", "p99"; p50 of each of two stages
    qps: float | None  # queries per second, batched
    threads: int | None
    device: str
    seconds: dict[str, float | None]  # by stage: "train", "encode", "quantize", "search"; 0 = none
    keys: dict[str, str]  # artifacts this row stands on
    commit: str | None  # git commit of the code that made it
    settings: dict[str, str] = field(default_factory=dict)  # that are not their option's own: "quantizer.bits" -> "64"
    labels: dict[str, Any] | None = None  # a teacher's pseudo labels: counts, histogram of scores, how good it is
    # A row from before one of these fields was there is read with its default.
    train: str | None = None
    components: dict[str, str] = field(default_factory=dict)  # all settings that decide the result and are no default
    data_fingerprint: str | None = None  # of the passages, questions and judgements that it was scored on
    trained_on: str | None = None  # fingerprint of the questions that it learned from; None: of none
    machine: dict[str, Any] | None = None  # "processor", "cores", "threads", "gpu" (None: unused); None: not known
    disturbed: bool = False  # other runs used the machine while latency and throughput were measured
    drawn: dict[str, str] | None = None  # those of `keys` that drew with the seed; None = not recorded

    @property
    def scored_on(self) -> Data:
        """The data that it was scored on."""
        key = self.data_fingerprint or f"{self.data}, {self.passages} passages, {self.queries} questions"
        return Data(key, self.data, self.passages, self.queries)

    def to_json(self) -> str:
        """The row as a JSON object, with the version of its shape."""
        values = {"version": VERSION} | {f.name: getattr(self, f.name) for f in fields(self)}
        return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, file: Path) -> "ResultRow":
        """The row that `to_json` wrote into `file`; raises LabradorError naming the file and the key at fault."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise LabradorError(f"{file}: a result row in JSON was expected ({error}); run that cell again") from error
        if not isinstance(values, dict) or values.get("version") != VERSION:
            found = values.get("version") if isinstance(values, dict) else type(values).__name__
            raise LabradorError(
                f"{file}: version {found}: a result row of version {VERSION} was expected; run it again"
            )
        del values["version"]
        kinds = typing.get_type_hints(cls)
        later = {f.name for f in fields(cls) if f.default is not MISSING or f.default_factory is not MISSING}
        for key in sorted((kinds.keys() - later - values.keys()) | (values.keys() - kinds.keys())):
            what = "the key is missing" if key in kinds else f"unknown key; the keys are {', '.join(kinds)}"
            raise LabradorError(f"{file}: {key}: {what}; run that cell again or leave the file out")
        for key, value in values.items():
            if not _fits(value, kinds[key]):
                raise LabradorError(f"{file}: {key}={value!r}: {_name(kinds[key])} was expected; run that cell again")
        return cls(**values)

    def write(self, path: Path) -> None:
        """Write the row to `path`, whole or not at all."""
        unfinished = path.with_name(f".{path.name}.partial")
        unfinished.write_text(self.to_json(), encoding="utf-8")
        unfinished.replace(path)


def read(file: Path) -> ResultRow:
    """The row in `file`; raises LabradorError when it is not one."""
    try:
        return ResultRow.from_json(file.read_text(encoding="utf-8"), file)
    except (OSError, UnicodeDecodeError) as error:
        raise LabradorError(f"{file}: a result row was expected ({error}); run that cell again") from error


def find(paths: Sequence[Path]) -> dict[Path, ResultRow]:
    """The rows of every result.json in or below the folders `paths` (or of the files named there), by file.

    A row that stands in several files (a cell that was run again and found everything in the store) comes once, from
    the first, even if the code had another commit by then. One whose search was timed while other runs used the machine
    gives way to the same one timed again. Raises LabradorError when a path is not there or no row is found.
    """
    files = dict.fromkeys(file.resolve() for path in paths for file in _files(path))
    if not files:
        where = " ".join(map(str, paths))
        raise LabradorError(f"{where}: no {FILE_NAME} found there; name the folder of a finished run (multirun/...)")
    rows: dict[Path, ResultRow] = {}
    found: list[ResultRow] = []
    for file in files:
        row = read(file)
        cell = replace(row, commit=None)
        if cell not in found:
            found.append(cell)
            rows[file] = row
    timed = [_untimed(row) for row in rows.values() if not row.disturbed]
    again: list[ResultRow] = []  # never timed in peace: the first of these
    for file, row in list(rows.items()):
        if row.disturbed and (untimed := _untimed(row)) in (timed + again):
            del rows[file]
        elif row.disturbed:
            again.append(untimed)
    return rows


def _untimed(row: ResultRow) -> ResultRow:
    """A row without what was timed of its search."""
    keys = {name: key for name, key in row.keys.items() if name != "measurement"}
    return replace(row, commit=None, latency_ms={}, qps=None, keys=keys, disturbed=False)


def _files(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise LabradorError(f"{path}: no such folder; name the folder of a finished run (multirun/... or outputs/...)")
    return sorted(path.rglob(FILE_NAME))


def _fits(value: Any, kind: Any) -> bool:
    """Whether a JSON value is of a field's type: str, int, float, None, unions of these, dict[str, ...]."""
    if isinstance(kind, types.UnionType):
        return any(_fits(value, option) for option in typing.get_args(kind))
    if typing.get_origin(kind) is dict:
        return isinstance(value, dict) and all(_fits(item, typing.get_args(kind)[1]) for item in value.values())
    if kind is Any:
        return True
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is kind


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind)
