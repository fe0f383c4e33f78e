"""Downloads from a server on this machine that breaks off, lies or refuses."""

import hashlib
import http.server
import io
import re
import shutil
import tarfile
import threading

import pytest

from labrador.data import download
from labrador.data.download import Download, fetch_all
from labrador.errors import LabradorError

CONTENT = bytes(range(256)) * 4000  # 1,024,000 bytes
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves `files`; the first answers stop after as many bytes as `cuts` says."""

    daemon_threads = False  # closing waits for them

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"file.bin": CONTENT}
        self.cuts = []
        self.ranges = True
        self.asked = []

    def handle_error(self, request, client_address):
        pass  # a client that hangs up, in tests of what it refuses

    def url(self, name="file.bin"):
        return f"http://127.0.0.1:{self.server_port}/some/{name}"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        wanted = self.headers.get("Range")
        self.server.asked.append((wanted, self.headers.get("X-Ms-Version")))
        content = self.server.files.get(self.path.rsplit("/", 1)[-1])
        if content is None:
            self.send_error(404)
            return
        start = 0
        if wanted and self.server.ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts else None
        self.wfile.write(content[start : None if cut is None else start + cut])


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "PAUSE", 0.0)
    monkeypatch.setattr(download, "CHUNK", 1 << 14)
    running = Server()
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def test_a_file_is_fetched_once(server, tmp_path):
    wanted = Download(url=server.url(), size=len(CONTENT), md5=MD5, headers=(("X-Ms-Version", "1"),))
    for _ in range(2):
        fetch_all([wanted], tmp_path / "raw")
    assert (tmp_path / "raw" / "file.bin").read_bytes() == CONTENT
    assert names(tmp_path / "raw") == ["file.bin"]
    assert server.asked == [(None, "1")]


def test_a_broken_connection_is_resumed_where_it_broke(server, tmp_path):
    server.cuts = [300_000, 200_000]
    fetch_all([Download(url=server.url(), md5=MD5)], tmp_path)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert [wanted for wanted, _ in server.asked] == [None, "bytes=300000-", "bytes=500000-"]


def test_a_later_run_goes_on_with_what_an_earlier_one_left(server, tmp_path):
    (tmp_path / ".file.bin.partial").write_bytes(CONTENT[:123_456])
    fetch_all([Download(url=server.url(), size=len(CONTENT), md5=MD5)], tmp_path)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.asked == [("bytes=123456-", None)]


def test_a_part_that_is_whole_is_only_checked(server, tmp_path):
    (tmp_path / ".file.bin.partial").write_bytes(CONTENT)
    fetch_all([Download(url=server.url(), md5=MD5)], tmp_path)
    assert names(tmp_path) == ["file.bin"]
    (tmp_path / "file.bin").rename(tmp_path / ".file.bin.partial")
    server.asked.clear()
    fetch_all([Download(url=server.url(), size=len(CONTENT), md5=MD5)], tmp_path)
    assert names(tmp_path) == ["file.bin"]
    assert server.asked == []


def test_a_part_longer_than_the_file_is_fetched_anew(server, tmp_path):
    (tmp_path / ".file.bin.partial").write_bytes(CONTENT + b"more")
    fetch_all([Download(url=server.url(), md5=MD5)], tmp_path)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_server_without_ranges_is_read_from_the_start(server, tmp_path):
    server.ranges = False
    server.cuts = [400_000]
    fetch_all([Download(url=server.url(), md5=MD5)], tmp_path)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_a_connection_that_always_breaks_gives_up_and_keeps_the_part(server, tmp_path):
    server.cuts = [1000] + [0] * 20
    with pytest.raises(LabradorError, match=r"the connection broke; run again to continue .*data\.path=DIR"):
        fetch_all([Download(url=server.url(), md5=MD5)], tmp_path)
    assert (tmp_path / ".file.bin.partial").stat().st_size == 1000
    assert len(server.asked) == 1 + download.ATTEMPTS


def test_a_wrong_checksum_removes_the_file(server, tmp_path):
    wrong = "0" * 32
    with pytest.raises(LabradorError, match=rf"MD5 {MD5}; expected the published {wrong}"):
        fetch_all([Download(url=server.url(), md5=wrong)], tmp_path)
    assert names(tmp_path) == []


def test_another_size_than_published_is_refused_before_the_download(server, tmp_path):
    with pytest.raises(LabradorError, match=r"the server has 1,024,000 bytes; expected the published 7"):
        fetch_all([Download(url=server.url(), size=7)], tmp_path)
    assert names(tmp_path) == []


def test_too_small_a_disk_is_reported_before_the_first_byte(server, tmp_path, monkeypatch):
    free = shutil.disk_usage(tmp_path)._replace(free=2_000_000_000)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: free)
    wanted = [
        Download(url=server.url(), size=3_000_000_000),
        Download(url=server.url("b"), unpacked_size=1_500_000_000),
    ]
    with pytest.raises(LabradorError, match=r"2\.0 GB free; expected 4\.8 GB for file\.bin, b;"):
        fetch_all(wanted, tmp_path)
    assert server.asked == []
    (tmp_path / "b").write_bytes(b"there")
    with pytest.raises(LabradorError, match=r"expected 3\.3 GB for file\.bin;"):
        fetch_all(wanted, tmp_path)


def test_a_disk_that_fills_up_is_reported(server, tmp_path, monkeypatch):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(download.Path, "open", lambda *args: Full())
    with pytest.raises(LabradorError, match=r"the disk is full; free some space, then run again"):
        fetch_all([Download(url=server.url())], tmp_path)


def test_a_disk_that_fills_up_while_unpacking_is_reported(server, tmp_path, monkeypatch):
    server.files["all.tar.gz"] = archive({"a.tsv": CONTENT})
    whole = download.Path.open

    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(
        download.Path, "open", lambda path, *a: Full() if path.name == ".a.tsv.partial" else whole(path, *a)
    )
    with pytest.raises(LabradorError, match=rf"^{tmp_path}: the disk is full; free some space, then run again"):
        fetch_all([Download(url=server.url("all.tar.gz"), members=("a.tsv",))], tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "store").write_text("a file where the store would be")
    folder = tmp_path / "store" / "raw" / "nq"
    with pytest.raises(LabradorError, match=rf"^{folder}: expected a writable folder .*set `store` to another"):
        fetch_all([], folder)


@pytest.mark.parametrize(("url", "why"), [("http://127.0.0.1:9/a", "unreachable"), (None, "answered 404 Not Found")])
def test_what_cannot_be_fetched_is_one_line_that_names_the_offline_way(server, tmp_path, url, why):
    with pytest.raises(LabradorError, match=why) as caught:
        fetch_all([Download(url=url or server.url("absent"))], tmp_path)
    assert "data.path=DIR" in str(caught.value)
    assert "\n" not in str(caught.value)


def archive(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("link.tsv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return buffer.getvalue()


def test_an_archive_gives_its_members_and_nothing_outside_the_folder(server, tmp_path):
    server.files["all.tar.gz"] = archive({"../a.tsv": b"A", "deep/b.tsv": b"B", "c.tsv": b"C"})
    folder = tmp_path / "raw"
    wanted = Download(url=server.url("all.tar.gz"), members=("a.tsv", "b.tsv"))
    fetch_all([wanted], folder)
    assert names(folder) == ["a.tsv", "b.tsv"]
    assert (folder / "a.tsv").read_bytes() == b"A"
    assert names(tmp_path) == ["raw"]
    fetch_all([wanted], folder)
    assert len(server.asked) == 1


@pytest.mark.parametrize("member", ["absent.tsv", "link.tsv"])
def test_an_archive_without_a_member_is_reported(server, tmp_path, member):
    server.files["all.tar.gz"] = archive({"a.tsv": b"A"})
    with pytest.raises(LabradorError, match=rf"all\.tar\.gz: expected {member} in it"):
        fetch_all([Download(url=server.url("all.tar.gz"), members=(member,))], tmp_path)


def test_a_broken_archive_is_reported(server, tmp_path):
    server.files["all.tar.gz"] = archive({"a.tsv": CONTENT})[:-3000]
    with pytest.raises(LabradorError, match=r"all\.tar\.gz: expected a whole tar\.gz"):
        fetch_all([Download(url=server.url("all.tar.gz"), members=("a.tsv",))], tmp_path)
