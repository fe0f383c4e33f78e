"""The top of each query's ranking, from a run file that may be a thousand times as long."""

import mmap
from pathlib import Path

from ..errors import LabradorError

RUN = "run.trec"
STEP = 4096  # bytes: the initial guess at the length of a query's lines


def top(file: Path, k: int) -> dict[str, list[str]]:
    """The first `k` passage ids of each query, best first, from a run file of lines `qid Q0 pid rank score tag`.

    Each query's lines must be contiguous, best first. All but the first `k` are skipped, so most of the file is never
    read. Raises LabradorError if the file cannot be read or is not such a file.
    """
    found: dict[str, list[str]] = {}
    try:
        with file.open("rb") as opened:
            if file.stat().st_size == 0:
                return found
            with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as lines:
                _read(lines, k, file, found)
    except (OSError, UnicodeDecodeError) as error:
        raise LabradorError(f"{file}: expected a run file ({error}); run that cell again") from error
    return found


def _read(lines: mmap.mmap, k: int, file: Path, found: dict[str, list[str]]) -> None:
    start, size, step = 0, len(lines), STEP
    while start < size:
        name = lines[start : lines.find(b" ", start) + 1]  # with the space, so that q1 does not match q10
        position = start
        pids: list[str] = []
        while position < size and len(pids) < k and lines[position : position + len(name)] == name:
            end = _next_line(lines, position, size)
            words = lines[position:end].split()
            if not name or len(words) < 6:
                line = lines[position:end].decode(errors="replace").strip()
                raise LabradorError(f"{file}: {line!r}: expected 'qid Q0 pid rank score tag'; run that cell again")
            pids.append(words[2].decode())
            position = end
        qid = name.decode().strip()
        if qid in found:
            raise LabradorError(f"{file}: the lines of query {qid} are not contiguous; run that cell again")
        found[qid] = pids
        after = _after(lines, name, position, size, step)
        start, step = after, max(STEP, (after - start) * 7 // 8)


def _next_line(lines: mmap.mmap, position: int, size: int) -> int:
    """The start of the line after the one at `position`."""
    return lines.find(b"\n", position) + 1 or size


def _after(lines: mmap.mmap, name: bytes, position: int, size: int, step: int) -> int:
    """The start of the first line at or after `position` that does not begin with `name`.

    Growing steps, the first of `step` bytes, find a line beyond; the last line of `name` before it is the last.
    """
    low = position
    if lines[low : low + len(name)] != name:
        return low
    growing = STEP
    while (high := _next_line(lines, min(low + step, size - 1), size)) < size:
        if lines[high : high + len(name)] != name:
            break
        low, step, growing = high, growing, 2 * growing
    last = lines.rfind(b"\n" + name, low, high)
    return _next_line(lines, max(low, last + 1), size)
