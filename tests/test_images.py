"""Images: MNIST from a small mirror, drawn digits, phone books and canvases that say what is on them, captions."""

import gzip
import hashlib
import os
import random
import struct

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from lib import downloads
from lib.batching import PAD, Vocabulary
from lib.captioner import Captioner, all_seen, write_captions
from lib.corpora import mnist
from lib.corpora.digits import draw_digits, load_digits
from lib.corpora.mnist import load_mnist, read_idx
from lib.corpora.phone_book import HELD_OUT, NAMES, NOTHING, PAIRS, SHOWN, Digits, canvases, caption, phone_book
from lib.decoding.search import beam_search
from lib.layers import fresh_weights
from lib.seq2seq import greedy_translate
from lib.training import train
from lib.transformer import cross_attention_weights, next_word_step
from lib.vit import ViT

pytestmark = pytest.mark.usefixtures("one_thread")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# --------------------------------------------------------------------------------------------------------------- MNIST


def idx(shape, numbers):
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + bytes(numbers)


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """Puts files of ours under the names of the real ones, known by the sum of what is packed, as those are."""

    def put(name, content, known=None):
        path = tmp_path / "mirror" / downloads.SOURCES[name].mirror
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content, compresslevel=random.randint(1, 9)))
        sha256 = hashlib.sha256(content if known is None else known).hexdigest()
        monkeypatch.setitem(downloads.SOURCES, name, downloads.SOURCES[name]._replace(sha256=sha256))
        return path

    monkeypatch.setenv("COURSE_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(mnist.SPLITS, "test", ("t10k", 3))
    return put


def test_images_and_labels_are_read_in_their_order(mirror):
    pixels = [(7 * i) % 256 for i in range(3 * 28 * 28)]
    mirror("mnist/t10k-images-idx3-ubyte.gz", idx((3, 28, 28), pixels))
    mirror("mnist/t10k-labels-idx1-ubyte.gz", idx((3,), [7, 0, 9]))
    images, labels = load_mnist("test")
    assert images.dtype == torch.float32 and labels.tolist() == [7, 0, 9] and labels.dtype == torch.int64
    torch.testing.assert_close(images, torch.tensor(pixels).view(3, 28, 28) / 255)
    mirror("mnist/t10k-labels-idx1-ubyte.gz", idx((2,), [7, 0]))
    with pytest.raises(ValueError, match=r"mnist/t10k has images \(3, 28, 28\) and labels \(2,\) instead of 3 each"):
        load_mnist("test")


def test_a_file_is_known_by_what_is_packed_in_it(mirror):
    content = idx((3,), [7, 0, 9])
    path = mirror("mnist/t10k-labels-idx1-ubyte.gz", content)
    assert downloads.fetch("mnist/t10k-labels-idx1-ubyte.gz") == path
    mirror("mnist/t10k-labels-idx1-ubyte.gz", content[:-1] + b"\1", known=content)
    with pytest.raises(ValueError, match=r"is not the right file: sha256 .* instead of"):
        downloads.fetch("mnist/t10k-labels-idx1-ubyte.gz")
    whole = gzip.compress(content)
    for damaged in (whole[:-9], b"<html>" + whole, whole[:12] + b"?" + whole[13:], b""):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="in the folder COURSE_MIRROR, is not the right file: "):
            downloads.fetch("mnist/t10k-labels-idx1-ubyte.gz")


@pytest.mark.parametrize("content", [b"", b"\0\0\x09\1\0\0\0\0", b"\0\0\x08", idx((3,), [1])[:-2], idx((2,), [1])])
def test_what_is_no_idx_file_is_refused(content):
    with pytest.raises(ValueError, match="IDX file"):
        read_idx(content)


def test_the_splits_are_named():
    with pytest.raises(ValueError, match="MNIST has no split 'dev'; there are train, test"):
        load_mnist("dev")
    with pytest.raises(ValueError, match="no split 'dev' of the drawn digits; there are train, test"):
        load_digits("dev")


@pytest.mark.skipif("COURSE_MIRROR" not in os.environ, reason="COURSE_MIRROR names no folder")
def test_the_real_digits_have_their_known_counts_and_mean():
    images, labels = load_mnist()
    assert labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert (round(images.mean().item(), 4), round(images.std().item(), 4)) == (mnist.MEAN, mnist.SPREAD)
    assert load_mnist("test")[1][:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


# -------------------------------------------------------------------------------------------------------- drawn digits


def test_drawn_digits_are_the_same_for_the_same_dice_only():
    labels = torch.arange(230) % 10
    first, again, others = (
        draw_digits(labels, generator()),
        draw_digits(labels, generator()),
        draw_digits(labels, generator(1)),
    )
    assert first.shape == (230, 28, 28) and first.dtype == torch.float32
    assert torch.equal(first, again) and not torch.equal(first, others)
    assert first.min() >= 0 and first.max() <= 1 and (first > 0.5).float().mean((1, 2)).min() > 0.02
    images, labels = load_digits("test", 300)
    assert images.shape == (300, 28, 28) and labels.bincount(minlength=10).min() > 10
    assert not torch.equal(images, load_digits("train", 300)[0])


def test_drawn_digits_can_be_told_apart_and_keep_away_from_the_edge():
    images, labels = load_digits("train", 1500)
    tests, right = load_digits("test", 500)
    fitted = LogisticRegression(max_iter=100).fit(images.flatten(1).numpy(), labels.numpy())
    assert 0.8 < fitted.score(tests.flatten(1).numpy(), right.numpy()) < 0.995  # neither hopeless nor a font
    edge = torch.cat([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], 1)
    assert (edge > 0.5).float().mean() < 0.01


# ----------------------------------------------------------------------------------------------- phone books, canvases


@pytest.fixture
def digits():
    """Every digit d is an image all of (d + 1) / 16: what is drawn can be read off."""
    labels = torch.arange(60) % 10
    return Digits(((labels + 1) / 16)[:, None, None].expand(-1, 28, 28), labels)


def readable(cells):
    """The digits in cells, by their darkest pixel; NOTHING where there is only paper."""
    found = (cells.amax((-1, -2)) * 16).round().long() - 1
    return found.masked_fill(found < 0, NOTHING)


def test_digits_are_drawn_by_class_and_all_of_them_are_used():
    labels = torch.randint(10, (200,))
    stock = Digits((torch.arange(200) / 200)[:, None, None].expand(-1, 28, 28), labels)
    classes = torch.randint(11, (5000, 2))
    images = stock.draw(classes, generator())
    assert images.shape == (5000, 2, 14, 14)
    numbers = (images[..., 0, 0] * 200).round().long()
    assert torch.equal(labels[numbers][classes != NOTHING], classes[classes != NOTHING])
    assert not images[classes == NOTHING].any()
    assert set(numbers[classes != NOTHING].tolist()) == set(range(200))
    with pytest.raises(ValueError, match=r"the labels 0 to 9 are needed; of these there are \[1, 0, 0, 0"):
        Digits(torch.zeros(1, 28, 28), torch.zeros(1, dtype=torch.long))


@pytest.mark.parametrize(("least", "most"), [(8, 8), (1, 8), (1, 1)])
def test_a_phone_book_shows_what_it_says(digits, least, most):
    book = phone_book(digits, 400, generator(), least, most)
    assert book.images.shape == (400, 1, 48, 96)
    cells = book.images.view(400, 3, 16, 3, 2, 16).permute(0, 1, 3, 4, 2, 5).flatten(1, 2)
    assert torch.equal(readable(cells), book.names)
    keys, values = book.names.unbind(-1)
    rows = torch.arange(400)
    assert torch.equal(keys[rows, book.places], keys[:, 0]) and torch.equal(values[rows, book.places], book.answers)
    assert (values[:, 0] == NOTHING).all() and ((keys[:, 1:] == keys[:, :1]).sum(1) == 1).all()
    entries = (keys[:, 1:] != NOTHING).sum(1)
    assert (entries.min(), entries.max()) == (least, most)
    for row in keys[:, 1:].tolist():
        real = [key for key in row if key != NOTHING]
        assert len(real) == len(set(real))
    assert set(book.places.tolist()) == set(range(1, 9)) and set(book.answers.tolist()) == set(range(10))


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ((7, 2, 0, 3), "a seven above a two"),
        ((7, 8, 4, 5), "a seven left of an eight"),
        ((8, 2, 0, 5), "an eight above and left of a two"),
        ((0, 0, 2, 6), "a zero above and right of a zero"),
    ],
)
def test_captions_are_english(places, words):
    assert caption(*places) == words


def test_a_canvas_shows_what_its_caption_says(digits):
    images, captions = canvases(digits, 600, generator(), SHOWN)
    assert images.shape == (600, 1, 48, 48) and len(set(captions)) > 200
    cells = images.view(600, 3, 16, 3, 16).transpose(2, 3).flatten(1, 2)
    found = readable(cells)
    for row, words in zip(found.tolist(), captions, strict=True):
        (cell, first), (other, second) = ((i, digit) for i, digit in enumerate(row) if digit != NOTHING)
        assert words == caption(first, second, cell, other) and (first, second) not in HELD_OUT
    assert ((images > 0).sum((1, 2, 3)) == 2 * 14 * 14).all()
    corners = cells.flatten(0, 1)[:, 0, 0]
    assert 0.1 < (corners > 0)[found.flatten() != NOTHING].float().mean() < 0.15  # 1 place in 9 is that of the corner


def test_the_pairs_for_tests_are_apart_and_hold_every_digit():
    assert len(SHOWN) == 90 and set(SHOWN) | set(HELD_OUT) == set(PAIRS) and (7, 2) in HELD_OUT
    assert {first for first, _ in HELD_OUT} == {second for _, second in HELD_OUT} == set(range(len(NAMES)))


# ------------------------------------------------------------------------------------------------------------- captions


def small(vocab, d_model=24, image=(48, 48), patch=(16, 16)):
    vit = ViT(image, patch, d_model, 3, 1, 2 * d_model)
    return fresh_weights(Captioner(vit, vocab, 3, 2 * d_model, 2), generator())


def test_the_cache_and_the_search_write_what_the_whole_model_writes():
    vocabulary = Vocabulary([["a", *NAMES]])
    model, images = small(len(vocabulary)), torch.randn(7, 1, 48, 48)
    state = torch.zeros(7, 0, dtype=torch.long), model.encode(images, None), all_seen(images)
    with torch.no_grad():
        ids = greedy_translate(lambda *step: next_word_step(model, *step), state, 9)
        likeliest, _ = beam_search(lambda *step: next_word_step(model, *step), state, 9, beams=1)
    wanted = [" ".join(vocabulary.decode(row)) for row in ids.tolist()]
    assert write_captions(model, vocabulary, images, 9) == wanted and len(set(wanted)) > 1
    assert torch.equal(ids, likeliest)


def test_the_loss_is_that_of_the_words_and_reaches_the_image():
    model, images = small(13), torch.randn(3, 1, 48, 48, requires_grad=True)
    batch = model.batch(images, [[5, 6, 7], [4], [12, 4]])
    logits = model(batch.source, batch.source_mask, batch.inputs)
    wanted = torch.nn.functional.cross_entropy(logits.transpose(1, 2), batch.targets, ignore_index=PAD)
    torch.testing.assert_close(model.loss(batch), wanted)
    wanted.backward()
    assert images.grad.abs().amax((1, 2, 3)).min() > 0
    looks = cross_attention_weights(model, batch)
    assert looks.shape == (2, 3, 3, 4, 10)  # of each word at the class token and 9 patches
    torch.testing.assert_close(looks.sum(-1), torch.ones(2, 3, 3, 4))


def test_captions_are_learnt(digits):
    """Flat digits, one caption a pair of places: where it lies and how dark it is are said in words."""
    vocabulary = Vocabulary(
        [caption(*pair, *cells).split() for pair in PAIRS for cells in ((0, 1), (0, 3), (0, 4), (1, 3))]
    )
    model, dice = small(len(vocabulary), 36), generator()
    pairs = [(1, 8), (8, 1), (1, 1), (8, 8)]

    def batches():
        while True:
            images, captions = canvases(digits, 64, dice, pairs)
            yield model.batch(images, [vocabulary.encode(words.split()) for words in captions])

    train(model, model.loss, batches(), 150, 1e-2, warmup=10, muon=True)
    images, captions = canvases(digits, 100, dice, pairs)
    told = write_captions(model, vocabulary, images)
    assert sum(a == b for a, b in zip(told, captions, strict=True)) > 90
