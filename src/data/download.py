"""Downloads of published files: resumed where they broke off, checked, and never half there.

A file grows under a temporary name and gets its own once size and checksum are right. The space needed is compared
with the space free before the first byte. Not by a library: pooch 1.9 does not resume, and huggingface_hub's downloads
are from its own hub.
"""

import hashlib
import http
import http.client
import logging
import shutil
import ssl
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

from filelock import FileLock

from ..errors import LabradorError, is_disk_full
from ..machine.files import atomically, finish, unfinished
from ..machine.progress_bar import bar
from .raw_files import find_raw

log = logging.getLogger(__name__)
CHUNK = 1 << 20
TIMEOUT = 60.0  # seconds without a byte
ATTEMPTS = 5  # in a row that gain nothing
PAUSE = 2.0  # seconds after the first failed attempt, doubled after each further one
SPARE = 256 * 2**20  # bytes left free on the disk


@dataclass(frozen=True, kw_only=True)
class Download:
    """A published file.

    size, md5: as published (None: not published; then the size that the server reports is checked); about_size: the
    space to ask for without a published size. members: the files to unpack from a tar.gz, of about `unpacked_size`
    together, after which the archive is removed; empty: the file is kept as it is.
    """

    url: str
    size: int | None = None
    about_size: int = 0
    md5: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    members: tuple[str, ...] = ()
    unpacked_size: int = 0

    @property
    def file_name(self) -> str:
        """The last part of the URL."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def brings(self) -> frozenset[str]:
        """The names of the raw files in it, unpacked."""
        return frozenset(name.removesuffix(".gz") for name in self.members or (self.file_name,))

    def present(self, folder: Path) -> bool:
        """Whether the folder has what this download brings, packed or unpacked."""
        return all(find_raw(folder, name) is not None for name in self.members or (self.file_name,))


def fetch_all(downloads: Sequence[Download], folder: Path) -> None:
    """Fetch every download that `folder` does not have yet.

    Raises LabradorError if the disk is too small, a host is unreachable or a file is not the published one; the message
    names data.path as the way without a download. What was fetched so far is kept.
    """
    with _locked(folder):
        missing = [download for download in downloads if not download.present(folder)]
        if not missing:
            return
        _check_disk(missing, folder)
        for download in missing:
            path = _fetch(download, folder)
            if download.members:
                _unpack(path, download.members, folder)
                path.unlink()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Make the folder and keep other processes out of it; raises LabradorError if it cannot be written."""
    lock = FileLock(folder / ".lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise LabradorError(
            f"{folder}: expected a writable folder for downloads ({error.strerror}); set `store` to another folder, or "
            "put the files into a folder of yours and set data.path=DIR"
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _opened(path: Path, mode: Literal["wb", "ab"]) -> Iterator[BinaryIO]:
    """The file, opened for writing; raises LabradorError when the disk is full."""
    try:
        with path.open(mode) as file:
            yield file
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise LabradorError(f"{path.parent}: the disk is full; free some space, then run again to continue") from error


def _by_hand(folder: Path) -> str:
    return f"or put the files into a folder of yours and set data.path=DIR (downloads go to {folder})"


def _check_disk(missing: Sequence[Download], folder: Path) -> None:
    needed = SPARE
    for download in missing:
        have = _size(unfinished(folder / download.file_name))
        needed += max(0, (download.size or download.about_size) - have) + download.unpacked_size
    free = shutil.disk_usage(folder).free
    names = ", ".join(download.file_name for download in missing)
    if needed > free:
        raise LabradorError(
            f"{folder}: {free / 1e9:.1f} GB free; expected {needed / 1e9:.1f} GB for {names}; "
            f"free some, move `store` to a larger disk, {_by_hand(folder)}"
        )
    log.info("downloading %s (%.1f GB, %.1f GB free) to %s", names, needed / 1e9, free / 1e9, folder)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fetch(download: Download, folder: Path) -> Path:
    """Download one file, continuing where an earlier attempt broke off; returns its path."""
    final = folder / download.file_name
    part = unfinished(final)
    if final.exists():
        return final
    failures = 0
    while True:
        before = _size(part)
        try:
            if _fetch_rest(download, part, folder):
                break
            problem = "the connection broke"
        except (http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as error:
            problem = str(error) or type(error).__name__
        gained = _size(part) > before
        failures = 0 if gained else failures + 1
        if failures == ATTEMPTS:
            raise LabradorError(f"{download.url}: {problem}; run again to continue from there, {_by_hand(folder)}")
        time.sleep(PAUSE * 2**failures if not gained else 0)
    _check_sum(download, part, folder)
    finish(final)
    return final


def _fetch_rest(download: Download, part: Path, folder: Path) -> bool:
    """Append what is missing to `part`; whether it is whole now."""
    have = _size(part)
    if have and have == download.size:
        return True
    request = urllib.request.Request(download.url, headers={**dict(download.headers), "User-Agent": "labrador"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            whole = (error.headers.get("Content-Range") or "").rpartition("/")[2]
            if whole == str(have):
                return True
            part.unlink()  # longer than the file, so not a part of it
            return False
        raise LabradorError(
            f"{download.url}: the server answered {error.code} {error.reason}; try later, {_by_hand(folder)}"
        ) from error
    except urllib.error.URLError as error:
        raise LabradorError(f"{download.url}: unreachable ({error.reason}); try later, {_by_hand(folder)}") from error
    with response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0  # the server sends it all
        length = response.headers.get("Content-Length")
        total = have + int(length) if length is not None else download.size
        if download.size is not None and total != download.size:
            raise LabradorError(
                f"{download.url}: the server has {total:,} bytes; expected the published {download.size:,}; "
                f"fetch the published file elsewhere, {_by_hand(folder)}"
            )
        with _opened(part, "ab" if have else "wb") as file:
            return _copy(response, file, download, have, total)


def _copy(response: http.client.HTTPResponse, file: BinaryIO, download: Download, have: int, total: int | None) -> bool:
    with bar(download.file_name, "B", total=total, done=have, unit_scale=True) as shown:
        while chunk := response.read(CHUNK):
            file.write(chunk)
            have += len(chunk)
            shown.update(len(chunk))
    return total is None or have == total


def _check_sum(download: Download, part: Path, folder: Path) -> None:
    if download.md5 is None:
        log.info("%s: no published checksum; its size is the one the server reports", download.file_name)
        return
    log.info("%s: checking its MD5", download.file_name)
    with part.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != download.md5:
        part.unlink()
        raise LabradorError(
            f"{download.url}: MD5 {found}; expected the published {download.md5}; the file is removed: run again to "
            f"fetch it anew, {_by_hand(folder)}"
        )


def _unpack(archive: Path, members: Sequence[str], folder: Path) -> None:
    """Unpack the named files of a tar.gz into `folder`, whatever folders the archive has them in."""
    missing = set(members)
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for member in tar:
                name = PurePosixPath(member.name).name
                source = tar.extractfile(member) if name in missing and member.isfile() else None
                if source is None:
                    continue
                with (
                    atomically(folder / name) as part,
                    _opened(part, "wb") as file,
                    bar(name, "B", total=member.size, unit_scale=True) as shown,
                ):
                    while chunk := source.read(CHUNK):
                        file.write(chunk)
                        shown.update(len(chunk))
                missing.remove(name)
    except (tarfile.TarError, EOFError) as error:
        raise LabradorError(f"{archive}: expected a whole tar.gz ({error}); remove it and run again") from error
    if missing:
        raise LabradorError(
            f"{archive}: expected {', '.join(sorted(missing))} in it; remove it and run again, {_by_hand(folder)}"
        )
