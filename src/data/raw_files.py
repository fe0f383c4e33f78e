"""Reads raw files, gzip or plain, line by line, with a progress bar and errors that name file and line.

Files are UTF-8; a byte order mark at the beginning is skipped.
"""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import LabradorError
from ..machine.progress_bar import bar

GZIP_MAGIC = b"\x1f\x8b"
WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)  # UTF-32-LE's begins with UTF-16-LE's
OF = ("p", "q", "d", "doc", "passage", "document", "query")
HEADS = {
    "id",
    "_id",
    *(f"{of}{gap}id" for of in OF for gap in ("", "_", "-", " ")),
}  # what headers call the first column
LINES_PER_UPDATE = 8192  # of the progress bar


def bad_line(path: Path, line: int, problem: str) -> LabradorError:
    """The error for a line of a raw file; `problem` says what was found, what was expected and the remedy."""
    return LabradorError(f"{path}:{line}: {problem}")


def unreadable(path: Path, error: OSError) -> LabradorError:
    """The error for a raw file or folder that cannot be read."""
    why = error.strerror or error
    return LabradorError(
        f"{path}: cannot be read ({why}); expected a readable file; check its owner and rights with ls -l"
    )


def find_raw(folder: Path, name: str) -> Path | None:
    """The file `name` in `folder`, plain or with .gz appended; None if neither is there.

    `name` may end in .gz; the unpacked file is then found, too. Raises LabradorError if the folder cannot be read.
    """
    plain = folder / name.removesuffix(".gz")
    for path in (plain, plain.with_name(plain.name + ".gz")):
        try:
            if path.is_file():
                return path
        except OSError as error:
            raise unreadable(path, error) from error
    return None


def need_raw(folder: Path, *names: str) -> list[Path]:
    """The files `names` in `folder`, plain or .gz; raises LabradorError naming the missing ones."""
    found = {name: find_raw(folder, name) for name in names}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise LabradorError(
            f"data.path={folder}: expected {', '.join(missing)} there (plain or .gz); "
            "put the missing files into the folder, or name another"
        )
    return [path for path in found.values() if path is not None]


class _Progress:
    """A file, gzip or plain, open for reading, with a bar that counts the bytes read from disk."""

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
    try:
        with closing(_Progress(path)) as progress:
            yield progress
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LabradorError(f"{path}: expected a whole gzip file ({error}); fetch or pack it again") from error
    except OSError as error:
        raise unreadable(path, error) from error


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, text without its line end) of a UTF-8 file; only \\n and \\r\\n end a line.

    Raises LabradorError for invalid UTF-8, with the line, and for a damaged or unreadable file.
    """
    with _opened(path) as progress:
        for number, raw in enumerate(progress.stream, start=1):
            if number == 1:
                raw = _without_mark(path, raw)
            elif number % LINES_PER_UPDATE == 0:
                progress.update()
            try:
                line = raw.decode()
            except UnicodeDecodeError as error:
                raise bad_line(path, number, _not_utf8(error)) from error
            yield number, line.removesuffix("\n").rstrip("\r")


def read_table(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of a tab-separated table; quotes are text, blank lines and a header are skipped.

    The first line is a header if its id is a common name of one. Raises LabradorError for a line whose number of
    columns differs from `columns`.
    """
    first = True
    for number, line in read_lines(path):
        if not line.strip(" "):
            continue
        fields = line.split("\t")
        if len(fields) != len(columns):
            raise bad_line(path, number, wrong_columns(len(fields), columns))
        if not (first and fields[0].strip().lower() in HEADS):
            yield number, fields
        first = False


def wrong_columns(found: int, columns: tuple[str, ...]) -> str:
    """The problem of a line with `found` columns instead of `columns`."""
    return f"{found} column{'' if found == 1 else 's'}; expected {len(columns)}: {', '.join(columns)}"


def _not_utf8(error: UnicodeDecodeError) -> str:
    byte = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
    return f"{byte}; expected UTF-8 text; convert it with iconv -f ENCODING -t UTF-8 OLD > NEW"


def _without_mark(path: Path, head: bytes) -> bytes:
    """The first bytes of a file without a byte order mark; raises LabradorError for UTF-16 and UTF-32."""
    if head.startswith(WIDE_MARKS) or b"\0" in head[:4]:
        problem = "UTF-16 or UTF-32 text; expected UTF-8; convert it with iconv -f UTF-16 -t UTF-8 OLD > NEW"
        raise bad_line(path, 1, problem)
    return head.removeprefix(codecs.BOM_UTF8)


def read_chunks(path: Path, size: int = 1 << 20) -> Iterator[str]:
    """The text of a UTF-8 file, about `size` bytes at a time; raises LabradorError as `read_lines`."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, first = 1, True
    with _opened(path) as progress:
        while True:
            raw = progress.stream.read(max(size, 4) if first else size)
            if first:
                raw, first = _without_mark(path, raw), False
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


def check_id(path: Path, line: int, what: str, name: str) -> None:
    """Raise LabradorError for an id that is empty or holds white space, which separates the fields of run files."""
    if not name.strip():
        raise bad_line(path, line, f"empty {what} id; expected one; add it")
    if name.split() != [name] or "\0" in name:
        raise bad_line(path, line, f"{what} id {name!r} holds white space; expected none; replace it")
