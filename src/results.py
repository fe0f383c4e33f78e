"""Result rows: what each run found, the `result.json` in its folder. Every table, figure and page is made from these.

A row gets one more figure by a field of `ResultRow`, declared with how it is shown, and the line of `pipeline.row_of`
that fills it. In Python:

    from labrador.results import frame

    runs = frame("multirun/")  # a pandas frame, one line a run
    runs.groupby(["retriever", "quantizer", "system"])["MRR@10"].mean()
"""

import hashlib
import json
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from .errors import LabradorError
from .machine.files import atomically

if TYPE_CHECKING:
    from pandas import DataFrame

VERSION = 1
FILE_NAME = "result.json"
DTYPES = (  # of a field, by the first value that it takes; None = pandas infers them
    *((object(), None), (0.5, "float64"), (0, "Int64"), (True, "boolean"), ("", "string")),
)

Identity = tuple[tuple[str, str | None], ...]  # what a system is: ("retriever", "dpr"), ("quantizer.bits", "64"), ...


def count(value: float) -> str:
    """48, 96.5, 1,536."""
    return f"{value:,.1f}".removesuffix(".0")


def size(value: float) -> str:
    """Bytes in decimal units: 512 B, 4.61 MB, 32.3 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{three_digits(value)} {unit}" if unit != "B" else f"{value:.0f} B"
        value /= 1000
    return f"{three_digits(value)} TB"


def three_digits(value: float) -> str:
    """Three significant digits, or all digits before the point: 0, 0.0123, 0.500, 1.23, 12.3, 1,234."""
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    if abs(value) >= 9.995:
        return f"{value:.1f}"
    if abs(value) >= 0.9995:
        return f"{value:.2f}"
    return f"{value:#.3g}" if value else "0"


def tenths(value: float) -> str:
    """0.0, 12.3, 1,234."""
    return f"{value:,.1f}" if value < 99.95 else f"{value:,.0f}"


@dataclass(frozen=True)
class Shown:
    """How reports show a field; of a field with several entries, how they show each.

    label: the column's head, "{}" in it the entry's name and "\\n" where it may break; text: a value as text;
    best: which value is the best, None for what only tells rows apart; axis: what a chart writes along this figure.
    """

    label: str
    group: Literal["option", "setting", "quality", "size", "speed", "time"]
    best: Literal["highest", "lowest"] | None = None
    text: Callable[[Any], str] = str
    unit: str = ""  # added to the head in brackets
    axis: str = ""
    first: tuple[str, ...] = ()  # entries that come before the others
    left_out: tuple[str, ...] = ()  # entries that no table shows
    blank_at_zero: bool = False  # whether 0 means that there is nothing to show
    timed: bool = False  # whether other runs on the machine disturb it

    def head(self, entry: str = "") -> str:
        """The head of its column, or of an entry's."""
        return self.label.format(entry) + (f"\n({self.unit})" if self.unit else "")


@dataclass(frozen=True)
class Data:
    """What a row was scored on: passages, queries and judgements; the same by their key, whatever they are called."""

    key: str  # the fingerprint; name and sizes where an older row has none
    name: str = field(compare=False)
    passages: int = field(compare=False)
    queries: int = field(compare=False)


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """One cell of a comparison. Options are named as in conf/; None = the method does not use one.

    A field that is not `Shown` stands in result.json alone. Rows from before a field was there are read with its
    default, and a field of a later version is ignored.
    """

    retriever: Annotated[str, Shown("retriever", "option")]
    quantizer: Annotated[str | None, Shown("quantizer", "option")]
    search: Annotated[str | None, Shown("search", "option")]
    sampler: Annotated[str | None, Shown("sampler", "option")]
    encoder: Annotated[str | None, Shown("encoder", "option")]
    train: Annotated[str | None, Shown("train", "option")] = None
    data: Annotated[str, Shown("data", "setting")]
    seed: Annotated[int, Shown("seed", "setting")]
    device: Annotated[str, Shown("device", "setting")]
    threads: Annotated[int | None, Shown("threads", "setting")]
    queries: Annotated[int, Shown("queries", "size", text="{:,}".format)]  # those that were scored
    passages: Annotated[int, Shown("passages", "size", text="{:,}".format)]
    metrics: Annotated[  # means over `queries`; None = not defined for this data or depth
        dict[str, float | None], Shown("{}", "quality", "highest", "{:.3f}".format)
    ]
    bytes_per_passage: Annotated[  # of the serialized codes
        float | None, Shown("bytes/\npassage", "size", "lowest", count, axis="bytes per passage in memory")
    ]
    index_bytes: Annotated[  # serialized, in memory while searching
        int | None, Shown("index\nsize", "size", "lowest", size, axis="index size in memory (bytes)")
    ]
    disk_bytes: Annotated[  # full vectors kept for the rerank
        int | None, Shown("on disk\nfor rerank", "size", "lowest", size, blank_at_zero=True)
    ]
    latency_ms: Annotated[  # search of one query at a time: "p50", "p99", and the p50 of each of two stages
        dict[str, float | None],
        Shown("ms/query\n{}", "speed", "lowest", three_digits, first=("p50",), left_out=("p99",), timed=True,
              axis="ms per query (median, one query at a time)"),
    ]  # fmt: skip
    qps: Annotated[  # queries searched in batches
        float | None, Shown("queries/\ns", "speed", "highest", three_digits, timed=True)
    ]
    seconds: Annotated[  # by stage; 0 = none
        dict[str, float | None],
        Shown("{}", "time", "lowest", tenths, "s", first=("train", "encode", "quantize", "search"), blank_at_zero=True),
    ]
    settings: dict[str, str] = field(default_factory=dict)  # that are not their option's own: "quantizer.bits" -> "64"
    components: dict[str, str] = field(default_factory=dict)  # all that decide the result and are not the default
    data_fingerprint: str | None = None  # of the passages, queries and judgements that it was scored on
    trained_on: str | None = None  # fingerprint of the queries that it learned from; None = it learned from none
    labels: dict[str, Any] | None = None  # a teacher's pseudo labels: counts, histogram of scores, how good it is
    keys: dict[str, str]  # of the artifacts that it stands on
    drawn: dict[str, str] | None = None  # those of `keys` that drew with the seed; None = not recorded
    machine: dict[str, Any] | None = None  # "processor", "cores", "threads", "gpu" (None: unused); None = not recorded
    disturbed: bool = False  # other runs used the machine while the search was timed
    commit: str | None  # of the code that made it

    @property
    def scored_on(self) -> Data:
        """The data that it was scored on."""
        key = self.data_fingerprint or f"{self.data}, {self.passages} passages, {self.queries} questions"
        return Data(key, self.data, self.passages, self.queries)

    @property
    def identity(self) -> Identity:
        """What makes two rows one system: the data they were scored on, the queries they learned from, the options
        and every setting that decides a result; not the seed, the machine, the commit or the figures.
        """
        options = ((name, getattr(self, name)) for name in OPTIONS)
        settings = sorted((self.components or self.settings).items())  # older rows have no components
        return (("data", self.scored_on.key), ("trained_on", self.trained_on), *options, *settings)

    def flat(self, *names: str) -> dict[str, Any]:
        """The values of the fields `names` (none = all) by column: "seed", "latency_ms.p50"; metrics and settings have
        their names alone, "MRR@10" and "quantizer.bits".
        """
        values: dict[str, Any] = {}
        for name in names or (each.name for each in fields(ResultRow)):
            value = getattr(self, name)
            before = "" if name in ("metrics", "settings") else f"{name}."
            entries = {f"{before}{entry}": item for entry, item in value.items()} if isinstance(value, dict) else {}
            values |= entries if isinstance(value, dict) else {name: value}
        return values

    def to_json(self) -> str:
        """The row as a JSON object, with the version of its format."""
        values = {"version": VERSION} | {f.name: getattr(self, f.name) for f in fields(self)}
        return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def write(self, path: Path) -> None:
        """Write the row to `path`, whole or not at all."""
        with atomically(path) as unfinished:
            unfinished.write_text(self.to_json(), encoding="utf-8")


SHOWN: dict[str, Shown] = {  # the fields that reports show, in the order of their columns
    name: hint.__metadata__[0]
    for name, hint in typing.get_type_hints(ResultRow, include_extras=True).items()
    if typing.get_origin(hint) is Annotated
}
OPTIONS = tuple(name for name, shown in SHOWN.items() if shown.group == "option")  # config groups that a row names


def read(file: Path) -> ResultRow:
    """The row that `ResultRow.write` left in `file`; raises LabradorError naming the file and the key at fault."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabradorError(f"{file}: expected a result row in JSON ({error}); run that cell again") from error
    if not isinstance(values, dict) or values.get("version") != VERSION:
        found = values.get("version") if isinstance(values, dict) else type(values).__name__
        raise LabradorError(f"{file}: version {found}: expected a result row of version {VERSION}; run it again")
    for each in fields(ResultRow):
        if each.name not in values and each.default is MISSING and each.default_factory is MISSING:
            raise LabradorError(f"{file}: {each.name}: the key is missing; run that cell again or leave the file out")
    kinds = typing.get_type_hints(ResultRow)
    known = {key: value for key, value in values.items() if key in kinds}
    for key, value in known.items():
        if not _fits(value, kinds[key]):
            kind = getattr(kinds[key], "__name__", kinds[key])
            raise LabradorError(f"{file}: {key}={value!r}: expected {kind}; run that cell again")
    return ResultRow(**known)


def find(paths: Sequence[Path]) -> dict[Path, ResultRow]:
    """The rows of every result.json in or below the folders `paths`, or of the files named there, by file.

    A row found in several files (the cell was run again, and everything was in the store) comes once, from the first,
    whatever the commits. A row timed while other runs used the machine gives way to the same row timed again. Raises
    LabradorError when a path does not exist or no row is found.
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
    again: list[ResultRow] = []  # always disturbed: the first of these
    for file, row in list(rows.items()):
        if row.disturbed and (untimed := _untimed(row)) in (timed + again):
            del rows[file]
        elif row.disturbed:
            again.append(untimed)
    return rows


def frame(paths: str | Path | Sequence[str | Path]) -> "DataFrame":
    """The rows of the runs in or below `paths` (one or several), as `find` finds them: a pandas frame, a line a row.

    Columns are named as in `ResultRow.flat`, "keys.ranking" among them; "system" is the same for rows that differ in
    nothing but the seed, "file" is the row's result.json. Missing values are NaN or NA.
    """
    import pandas

    given = [paths] if isinstance(paths, (str, Path)) else paths
    found = find([Path(path).expanduser() for path in given])
    identities = [repr(row.identity).encode() for row in found.values()]
    columns = {"system": pandas.Series([hashlib.sha256(each).hexdigest()[:12] for each in identities], dtype="string")}
    for name, kind in typing.get_type_hints(ResultRow).items():
        empty = {} if _fits({}, kind) else {name: None}
        lines = [empty if getattr(row, name) is None else row.flat(name) for row in found.values()]
        dtype = next(dtype for value, dtype in DTYPES if _fits(value, kind) or _fits({"": value}, kind))
        for column in dict.fromkeys(column for line in lines for column in line):
            values = pandas.Series([line.get(column) for line in lines], dtype=dtype)
            columns[column] = values if dtype else values.convert_dtypes()
            with suppress(ValueError):  # settings are texts; a column of numbers becomes one
                columns[column] = pandas.to_numeric(values) if name == "settings" else columns[column]
    return pandas.DataFrame(columns | {"file": pandas.Series(list(map(str, found)), dtype="string")})


def _untimed(row: ResultRow) -> ResultRow:
    """A row without what was timed."""
    keys = {name: key for name, key in row.keys.items() if name != "measurement"}
    return replace(row, commit=None, latency_ms={}, qps=None, keys=keys, disturbed=False)


def _files(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise LabradorError(f"{path}: no such folder; name the folder of a finished run (multirun/... or outputs/...)")
    return sorted(path.rglob(FILE_NAME))


def _fits(value: Any, kind: Any) -> bool:
    """Whether a JSON value has a field's type: str, int, float, None, unions of these, dict[str, ...]."""
    if isinstance(kind, types.UnionType):
        return any(_fits(value, option) for option in typing.get_args(kind))
    if typing.get_origin(kind) is dict:
        return isinstance(value, dict) and all(_fits(item, typing.get_args(kind)[1]) for item in value.values())
    if kind is Any:
        return True
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is kind
