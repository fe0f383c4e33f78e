"""Reading raw files: gzip or plain, line by line, with a progress bar and errors that name file and line."""

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import LabradorError
from ..progress import bar

GZIP_MAGIC = b"\x1f\x8b"
LINES_PER_UPDATE = 8192  # of the progress bar


def bad_line(path: Path, line: int, problem: str) -> LabradorError:
    """The error for a line of a raw file; `problem` says what was found and what was expected."""
    return LabradorError(f"{path}:{line}: {problem}")


def find_raw(folder: Path, name: str) -> Path | None:
    """The file `name` in `folder`, plain or with .gz appended; None where neither is there.

    `name` may itself end in .gz; the unpacked file is then taken too.
    """
    plain = folder / name.removesuffix(".gz")
    for path in (plain, plain.with_name(plain.name + ".gz")):
        if path.is_file():
            return path
    return None


def need_raw(folder: Path, *names: str) -> list[Path]:
    """The files `names` in `folder`, plain or .gz; raises LabradorError naming all that are missing."""
    found = {name: find_raw(folder, name) for name in names}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise LabradorError(
            f"data.path={folder}: {', '.join(missing)} expected there (plain or .gz); "
            "put the missing files into the folder, or name another one"
        )
    return [path for path in found.values() if path is not None]


class _Progress:
    """Binary reading of a file, gzip or plain, that moves a bar by the bytes read from disk."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        zipped = self._file.read(2) == GZIP_MAGIC
        self._file.seek(0)
        self.stream = cast(BinaryIO, gzip.GzipFile(fileobj=self._file)) if zipped else self._file
        self.bar = bar(path.name, "B", total=path.stat().st_size, unit_scale=True)

    def update(self) -> None:
        self.bar.update(self._file.tell() - self.bar.n)

    def close(self) -> None:
        self.update()
        self.bar.close()
        self.stream.close()
        self._file.close()


@contextmanager
def _opened(path: Path) -> Iterator[_Progress]:
    progress = _Progress(path)
    try:
        yield progress
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LabradorError(f"{path}: a whole gzip file was expected ({error}); fetch or pack it again") from error
    finally:
        progress.close()


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, text without its line end) of a UTF-8 file; only \\n and \\r\\n end a line.

    Raises LabradorError for invalid UTF-8, with the line, and for a damaged gzip file.
    """
    with _opened(path) as progress:
        for number, raw in enumerate(progress.stream, start=1):
            if number % LINES_PER_UPDATE == 0:
                progress.update()
            try:
                line = raw.decode()
            except UnicodeDecodeError as error:
                raise bad_line(path, number, _not_utf8(error)) from error
            yield number, line.removesuffix("\n").removesuffix("\r")


def read_table(path: Path, columns: tuple[str, ...], whitespace: bool = False) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of a table whose fields are parted by tabs, or by any `whitespace`; quotes are text.

    Raises LabradorError for a line with another number of columns than `columns` names.
    """
    for number, line in read_lines(path):
        fields = line.split() if whitespace else line.split("\t")
        if len(fields) != len(columns):
            raise bad_line(path, number, wrong_columns(len(fields), columns))
        yield number, fields


def read_quoted_table(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of a tab-separated table with CSV quoting: "a ""b"" c" is the field a "b" c.

    A record may span lines; its number is that of its first line. Raises LabradorError for a line with another
    number of columns than `columns` names, and for a quote that is never closed.
    """
    record: list[str] = []  # the lines of the present record

    def lines() -> Iterator[str]:
        for _, line in read_lines(path):
            record.append(line + "\n")
            yield record[-1]

    reader = csv.reader(lines(), delimiter="\t")
    while True:
        try:
            fields = next(reader, None)
            if len(record) > 1 or (fields and fields[-1].endswith("\n")):
                # perhaps a quote that was never closed and ends at the next one, or at the end
                next(csv.reader(record, delimiter="\t", strict=True))
        except csv.Error as error:
            problem = f"tab-separated fields with closed quotes were expected ({error})"
            raise bad_line(path, reader.line_num - len(record) + 1, problem) from error
        start = reader.line_num - len(record) + 1
        record.clear()
        if fields is None:
            return
        if len(fields) != len(columns):
            raise bad_line(path, start, wrong_columns(len(fields), columns))
        yield start, fields


def wrong_columns(found: int, columns: tuple[str, ...]) -> str:
    """What to say of a line with `found` columns where `columns` were expected."""
    return f"{found} columns; {len(columns)} were expected: {', '.join(columns)}"


def _not_utf8(error: UnicodeDecodeError) -> str:
    return f"byte 0x{error.object[error.start]:02x} is not UTF-8; UTF-8 text was expected"


def read_chunks(path: Path, size: int = 1 << 20) -> Iterator[str]:
    """The text of a UTF-8 file, about `size` bytes at a time; raises LabradorError as `read_lines`."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with _opened(path) as progress:
        while True:
            raw = progress.stream.read(size)
            try:
                text = decoder.decode(raw, final=not raw)
            except UnicodeDecodeError as error:
                number = line + error.object[: error.start].count(b"\n")
                raise bad_line(path, number, _not_utf8(error)) from error
            if not raw:
                return
            progress.update()
            line += text.count("\n")
            yield text
