"""MiniLM: Hugging Face's numbers, from a small folder of the same kind and from the published files where they are."""

import random
from functools import partial

import pytest
import torch
from torch.nn.functional import normalize

from lib.bert import Bert, BertEmbeddings
from lib.checkpoints import save
from lib.downloads import fetch
from lib.minilm import HEADS, LONGEST, bert_of, load_minilm, sentence_vectors
from lib.transformer import EncoderBlock
from tests.test_wordpiece import small

D_MODEL, D_FF, LAYERS, POSITIONS = 24, 44, 3, 41
TEXTS = ["The movie was fantastic!", "embeddings", "", "can't 猫 be better, " * 9, "the em the un", "[MASK] was better"]


def theirs(folder, kind="BertModel"):
    """A small model of Hugging Face's, saved as such models are published, and its list of pieces beside it."""
    import transformers

    torch.manual_seed(0)
    sizes = {
        "vocab_size": len(small()),
        "hidden_size": D_MODEL,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
    }
    more = {"intermediate_size": D_FF, "max_position_embeddings": POSITIONS}
    model = getattr(transformers, kind)(transformers.BertConfig(**sizes, **more, initializer_range=0.3)).eval()
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(small()) + "\n", encoding="utf-8")
    return model


def their_vectors(model, pieces, texts, longest):
    """As sentence-transformers makes them: the mean over real tokens, then length 1; one text at a time."""
    from transformers import BertTokenizer

    tokenizer = BertTokenizer(vocab={piece: i for i, piece in enumerate(pieces)})
    for text in texts:
        with torch.no_grad():
            told = tokenizer(text, return_tensors="pt", truncation=True, max_length=longest)
            yield torch.nn.functional.normalize(model(**told).last_hidden_state.mean(1)[0], dim=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("small")


@pytest.fixture(scope="module")
def saved(folder):
    return theirs(folder)


@pytest.fixture(scope="module")
def published():
    try:
        return [fetch(f"minilm/{name}", offline=True) for name in ("model.safetensors", "vocab.txt")]
    except ConnectionError:
        pytest.skip("MiniLM's files are not on this machine: python -m lib.downloads fetches them")


def test_a_published_folder_is_read(saved, folder):
    model, tokenizer = load_minilm(folder)
    assert tokenizer.pieces == small() and not model.training
    ids = torch.randint(len(small()), (3, 17))
    torch.testing.assert_close(model(ids), saved(ids).last_hidden_state, rtol=1e-5, atol=1e-5)


def test_the_parts_are_those_that_were_asked_for(saved, folder):
    class Embeddings(BertEmbeddings):
        pass

    class Block(EncoderBlock):
        pass

    made = partial(Bert, embeddings=Embeddings, block=Block)
    model, tokenizer = load_minilm(folder, bert=made, cut=lambda word, pieces: ["[UNK]"])
    assert type(model.embeddings) is Embeddings and {type(block) for block in model.encoder.blocks} == {Block}
    ids = torch.randint(len(small()), (3, 17))
    torch.testing.assert_close(model(ids), saved(ids).last_hidden_state, rtol=1e-5, atol=1e-5)
    assert tokenizer.tokens("two words") == ["[UNK]", "[UNK]"]
    first = sentence_vectors(model, tokenizer, ["a b", "a"], pool=lambda x, mask: x[:, 0])
    torch.testing.assert_close(first[1], normalize(model(torch.tensor([[2, 1, 3]]))[0, 0], dim=-1))


@pytest.mark.parametrize("kind", ["BertForMaskedLM", "BertForPreTraining", "BertForSequenceClassification"])
def test_a_head_is_left_out(kind, tmp_path):
    other = theirs(tmp_path, kind)
    model, _ = load_minilm(tmp_path)
    ids = torch.randint(len(small()), (3, 17))
    torch.testing.assert_close(model(ids), other.bert(ids).last_hidden_state, rtol=1e-5, atol=1e-5)


def test_other_spellings_and_halves_are_read(saved):
    state = saved.state_dict()
    old = {
        name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"): part
        for name, part in state.items()
    }
    halves = {name: part.half() for name, part in old.items()} | {"embeddings.position_ids": torch.arange(POSITIONS)}
    made = bert_of(halves, HEADS)
    assert all(part.dtype == torch.float32 for part in made.parameters())
    ids = torch.randint(len(small()), (3, 17))
    torch.testing.assert_close(made(ids), saved(ids).last_hidden_state, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("tokens", [1, 60, 4096])
def test_sentence_vectors_are_normed_means_whatever_the_batches(saved, folder, tokens):
    model, tokenizer = load_minilm(folder)
    made = sentence_vectors(model, tokenizer, TEXTS, longest=POSITIONS, tokens=tokens)
    wanted = torch.stack(list(their_vectors(saved, small(), TEXTS, POSITIONS)))
    torch.testing.assert_close(made, wanted, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close((made @ made.T).diagonal(), torch.ones(len(TEXTS)))
    assert not made.requires_grad and sentence_vectors(model, tokenizer, []).shape == (0, D_MODEL)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"encoder.layer.1.intermediate.dense.bias": None},
            r"encoder.blocks.1.feed_forward.widen.bias is None, expected",
        ),
        (
            {"encoder.layer.3.intermediate.dense.bias": 44},
            r"encoder.blocks.3.around_attention.norm.scale is None, expected \(24,\)",
        ),
        ({"encoder.layer.9.of": 3}, r"encoder.blocks.3.around_attention.norm.scale is None"),
        ({"embeddings.LayerNorm.weight": 23}, r"embeddings.norm.scale is \(23,\), expected \(24,\)"),
        ({"rotary": 3}, r"rotary is \(3,\), expected None"),
        ({"embeddings.word_embeddings.weight": None}, "it lacks word embeddings, positions, or a block"),
        ({"embeddings.position_embeddings.weight": 24}, "it lacks word embeddings, positions, or a block"),
    ],
    ids=range(7),
)
def test_another_model_is_refused_in_one_sentence(saved, folder, tmp_path, changed, told):
    tensors = dict(saved.state_dict())
    for name, size in changed.items():
        tensors.pop(name, None)
        tensors |= {} if size is None else {name: torch.zeros(size)}
    save(tmp_path / "model.safetensors", tensors, {})
    (tmp_path / "vocab.txt").write_bytes((folder / "vocab.txt").read_bytes())
    with pytest.raises(ValueError, match=rf"model\.safetensors holds no such model: {told}") as caught:
        load_minilm(tmp_path)
    assert "\n" not in str(caught.value)


def test_heads_and_pieces_must_fit(saved, folder, tmp_path):
    with pytest.raises(ValueError, match="no such model: d_model=24 does not split into n_heads=5 equal heads"):
        load_minilm(folder, n_heads=5)
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(FileNotFoundError):
        load_minilm(tmp_path)
    n = len(small())
    (tmp_path / "vocab.txt").write_text("\n".join(small()[:-1]), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"vocab.txt has {n - 1} pieces, .*model.safetensors a table of {n}"):
        load_minilm(tmp_path)
    (tmp_path / "vocab.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"vocab.txt holds no list of pieces: .*") as caught:
        load_minilm(tmp_path)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------------ the published files


def test_the_published_model_is_hugging_faces(published):
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    config = BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)
    other = BertModel(config).eval()
    other.load_state_dict({name: part for name, part in load_file(published[0]).items() if "position_ids" not in name})
    model, tokenizer = load_minilm()
    assert isinstance(model, Bert) and sum(part.numel() for part in model.parameters()) == 22_713_216
    rng = random.Random(0)
    words = [piece for piece in tokenizer.pieces[2000:] if piece.isalpha()]
    texts = [
        "The movie was fantastic!",
        "He sat on the bank of the river.",
        *(" ".join(rng.sample(words, n)) for n in (31, 300)),
    ]
    wanted = torch.stack(list(their_vectors(other, tokenizer.pieces, texts, LONGEST)))
    torch.testing.assert_close(sentence_vectors(model, tokenizer, texts), wanted, rtol=1e-5, atol=1e-5)
    ids = torch.randint(30_522, (2, 67))
    told = other(ids)
    x = model(ids)
    torch.testing.assert_close(x, told.last_hidden_state, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(model.pooled(x), told.pooler_output, rtol=1e-5, atol=1e-5)


def test_what_means_the_same_lies_together(published):
    model, tokenizer = load_minilm()
    pairs = [
        ("A man is playing a guitar.", "Someone makes music on a string instrument."),
        ("The bank lowered its interest rate.", "Borrowing money has become cheaper."),
        ("It will rain tomorrow.", "The forecast says wet weather for the next day."),
    ]
    first, second = (sentence_vectors(model, tokenizer, side) for side in zip(*pairs, strict=True))
    assert torch.equal((first @ second.T).argmax(1), torch.arange(3))
