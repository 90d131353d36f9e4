"""BERT against Hugging Face's on the same random weights: every hidden state, both heads, losses and gradients."""

import math
from collections import Counter

import pytest
import torch
from torch.nn import functional

from lib.bert import Bert, BertClassifier, BertForMaskedWords, mask_words, masked_loss, mean_pool
from lib.layers import fresh_weights
from lib.minilm import bert_of, take_weights
from lib.training import train
from lib.transformer import IGNORED

VOCAB, D_MODEL, HEADS, LAYERS, D_FF, POSITIONS, CLASSES = 53, 21, 3, 2, 29, 37, 5
PAD, CLS, SEP, MASK = 0, 2, 3, 4


def theirs(kind):
    """One of Hugging Face's models, in float64, with weights so large that everything matters."""
    import transformers

    torch.manual_seed(0)
    sizes = {"vocab_size": VOCAB, "hidden_size": D_MODEL, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS}
    more = {"intermediate_size": D_FF, "max_position_embeddings": POSITIONS, "num_labels": CLASSES}
    config = transformers.BertConfig(**sizes, **more, initializer_range=0.3, layer_norm_eps=1e-12)
    model = getattr(transformers, kind)(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.copy_(0.5 + torch.randn(parameter.shape))
    return model.double()


def ours(model, head=None):
    """The same weights in the course's Bert, or in one with a head."""
    made = Bert(VOCAB, D_MODEL, HEADS, LAYERS, D_FF, POSITIONS)
    return take_weights(made if head is None else head(made), model.state_dict()).double().eval()


@pytest.fixture
def text():
    """ids, segments and mask of three texts, two of them padded."""
    ids, segments = torch.randint(5, VOCAB, (3, 17)), torch.randint(2, (3, 17))
    mask = torch.arange(17) < torch.tensor([[17], [11], [1]])
    return ids.where(mask, PAD), segments, mask


def in_their_words(text):
    return dict(zip(("input_ids", "token_type_ids", "attention_mask"), (text[0], text[1], text[2].long()), strict=True))


def same_gradients(model, other):
    """All gradients, by the names that the weights go by too."""
    gradients = {name: part.grad for name, part in other.named_parameters() if part.grad is not None}
    holder = take_weights(type_of(model), {**other.state_dict(), **gradients}).double()
    wanted, compared = dict(holder.named_parameters()), 0
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            scale = wanted[name].abs().max().item()
            torch.testing.assert_close(parameter.grad, wanted[name].data, rtol=1e-5, atol=1e-6 * (1 + scale))
            compared += 1
    assert compared == len(gradients) > 20


def type_of(model):
    fresh = Bert(VOCAB, D_MODEL, HEADS, LAYERS, D_FF, POSITIONS)
    if isinstance(model, BertClassifier):
        return BertClassifier(fresh, CLASSES)
    return BertForMaskedWords(fresh) if isinstance(model, BertForMaskedWords) else fresh


def test_every_hidden_state_is_hugging_faces(text):
    other = theirs("BertModel")
    model, (ids, segments, mask) = ours(other), text
    told = other(**in_their_words(text), output_hidden_states=True)
    x = model.embeddings(ids, segments)
    states = [x]
    for block in model.encoder.blocks:
        x = block(x, mask[:, None, None, :])
        states.append(x)
    for mine, its in zip(states, told.hidden_states, strict=True):
        torch.testing.assert_close(mine[mask], its[mask], rtol=1e-10, atol=1e-10)
    x = model(ids, segments, mask)
    torch.testing.assert_close(x[mask], told.last_hidden_state[mask], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(model.pooled(x), told.pooler_output, rtol=1e-10, atol=1e-10)


def test_without_padding_and_segments_too(text):
    other = theirs("BertModel")
    torch.testing.assert_close(ours(other)(text[0]), other(input_ids=text[0]).last_hidden_state, rtol=1e-10, atol=1e-10)


def test_the_gradients_are_hugging_faces(text):
    other = theirs("BertModel")
    model, (ids, segments, mask) = ours(other), text
    upstream = torch.randn(*ids.shape, D_MODEL, dtype=torch.float64) * mask[..., None]
    x, told = model(ids, segments, mask), other(**in_their_words(text))
    (x * upstream).sum().add(model.pooled(x).sum()).backward()
    (told.last_hidden_state * upstream).sum().add(told.pooler_output.sum()).backward()
    same_gradients(model, other)


def test_masked_words_have_hugging_faces_logits_loss_and_gradients(text):
    other = theirs("BertForMaskedLM")
    model, (ids, segments, mask) = ours(other, BertForMaskedWords), text
    targets = torch.where(mask & (torch.rand(ids.shape) < 0.4), torch.randint(5, VOCAB, ids.shape), IGNORED)
    told = other(**in_their_words(text), labels=targets)
    logits = model(ids, segments, mask)
    torch.testing.assert_close(logits[mask], told.logits[mask], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(masked_loss(logits, targets), told.loss, rtol=1e-10, atol=1e-10)
    told.loss.backward()
    for loss in (masked_loss(logits, targets), model.loss(ids, targets, segments, mask)):
        model.zero_grad()
        loss.backward()
        torch.testing.assert_close(loss, told.loss, rtol=1e-10, atol=1e-10)
        same_gradients(model, other)


def test_a_class_has_hugging_faces_logits_and_gradients(text):
    other = theirs("BertForSequenceClassification")
    model = ours(other, lambda bert: BertClassifier(bert, CLASSES))
    right = torch.tensor([0, 4, 2])
    told = other(**in_their_words(text), labels=right)
    logits = model(*text)
    torch.testing.assert_close(logits, told.logits, rtol=1e-10, atol=1e-10)
    functional.cross_entropy(logits, right).backward()
    told.loss.backward()
    same_gradients(model, other)


def test_what_padding_holds_changes_no_word(text):
    ids, segments, mask = text
    model = ours(theirs("BertModel"))
    other = torch.where(mask, ids, torch.randint(5, VOCAB, ids.shape))
    torch.testing.assert_close(model(ids, segments, mask)[mask], model(other, segments, mask)[mask])
    alone = model(ids[1:2, :11], segments[1:2, :11])
    torch.testing.assert_close(model(ids, segments, mask)[1:2, :11], alone)
    classifier = BertClassifier(model, CLASSES, mean_pool).double()
    torch.testing.assert_close(classifier(ids, segments, mask)[1:2], classifier(ids[1:2, :11], segments[1:2, :11]))


def test_both_sides_are_seen():
    model = Bert(VOCAB, D_MODEL, HEADS, LAYERS)
    ids = torch.randint(5, VOCAB, (1, 7))
    for place in (0, 6):
        changed = ids.clone()
        changed[0, place] = 5 + (ids[0, place] - 4) % (VOCAB - 5)
        assert (model(changed) - model(ids)).abs().amax(-1).min() > 1e-6


def test_a_text_that_is_too_long_is_one_sentence():
    with pytest.raises(ValueError, match="positions 0 to 37 need a row each: the table has 37"):
        Bert(VOCAB, D_MODEL, HEADS, LAYERS, D_FF, POSITIONS)(torch.ones(1, 38, dtype=torch.long))


def test_dropout_rolls_dice_while_training_only():
    model = BertClassifier(Bert(VOCAB, D_MODEL, HEADS, LAYERS, dropout=0.3), CLASSES, dropout=0.3)
    ids = torch.randint(5, VOCAB, (3, 7))
    assert not torch.equal(model(ids), model(ids))
    model.eval()
    assert torch.equal(model(ids), model(ids))


def test_weights_of_another_kind_are_refused_by_name():
    state = theirs("BertForMaskedLM").state_dict()
    assert isinstance(bert_of(state, HEADS), Bert)  # the head is left out
    fresh = Bert(VOCAB, D_MODEL, HEADS, LAYERS, D_FF, POSITIONS)
    with pytest.raises(ValueError, match=r"^bias is None, expected \(53,\)"):
        take_weights(BertForMaskedWords(fresh), {name: part for name, part in state.items() if "cls.pred" not in name})
    with pytest.raises(ValueError, match=r"^encoder.blocks.1.attention.to_k.weight is \(20, 21\), expected \(21, 21\)"):
        name = "bert.encoder.layer.1.attention.self.key.weight"
        take_weights(fresh, state | {name: state[name][1:]})
    with pytest.raises(ValueError, match=r"^rotary.angles is \(3,\), expected None"):
        take_weights(fresh, state | {"bert.rotary.angles": torch.zeros(3)})


# ------------------------------------------------------------------------------------------------------- masked words


def many_words(share=0.15):
    ids = torch.randint(5, VOCAB, (997, 101))
    ids[:, 0], ids[:, 50], ids[::2, 90:] = CLS, SEP, PAD
    kept = ids.clone()
    made = mask_words(ids, (PAD, CLS, SEP), MASK, VOCAB, torch.Generator().manual_seed(0), share)
    assert torch.equal(ids, kept)
    return ids, *made


def test_words_are_masked_by_the_rule():
    """Counts against their expected values, at 4.5 standard deviations: a wrong share of 1 in 100 would be seen."""
    ids, inputs, targets = many_words()
    special, chosen = torch.isin(ids, torch.tensor([PAD, CLS, SEP])), targets != IGNORED

    def fits(count, n, chance):
        return abs(count - n * chance) < 4.5 * math.sqrt(n * chance * (1 - chance))

    assert not (chosen & special).any() and torch.equal(inputs[~chosen], ids[~chosen])
    assert torch.equal(targets[chosen], ids[chosen]) and inputs.dtype == targets.dtype == torch.int64
    words, n = (~special).sum().item(), chosen.sum().item()
    assert fits(n, words, 0.15)
    masked, stayed = (inputs == MASK) & chosen, (inputs == ids) & chosen
    others = chosen & ~masked & ~stayed
    assert fits(masked.sum().item(), n, 0.8 + 0.1 / VOCAB)  # any word may be [MASK], or the right one
    assert fits(stayed.sum().item(), n, 0.1 + 0.1 / VOCAB)
    assert fits(others.sum().item(), n, 0.1 * (VOCAB - 2) / VOCAB)
    counts = Counter(inputs[others].tolist())
    assert counts.keys() == set(range(VOCAB)) - {MASK}
    average = others.sum().item() / (VOCAB - 1)
    assert all(abs(count - average) < 6 * math.sqrt(average) for count in counts.values())


def test_each_place_is_chosen_by_itself():
    *_, targets = many_words(0.5)
    chosen = (targets != IGNORED)[:, 1:50].double()
    together = (chosen - 0.5).T @ (chosen - 0.5) / len(chosen)
    assert (together - torch.eye(49) * 0.25).abs().max() < 5 * 0.25 / math.sqrt(len(chosen))
    assert abs(chosen.sum(1).var() / (49 * 0.25) - 1) < 0.25  # their number differs from text to text


def test_the_generator_alone_throws_the_dice():
    first, second = many_words(), many_words()
    assert not torch.equal(first[2], second[2])  # other ids, the same dice
    assert torch.equal(first[2] != IGNORED, second[2] != IGNORED)
    ids, inputs, targets = many_words(0.0)
    assert torch.equal(inputs, ids) and (targets == IGNORED).all()
    ids, inputs, targets = many_words(1.0)
    assert torch.equal(targets == IGNORED, torch.isin(ids, torch.tensor([PAD, CLS, SEP])))


def test_no_masked_word_is_no_loss():
    logits = torch.randn(3, 7, VOCAB, requires_grad=True)
    nothing = torch.full((3, 7), IGNORED)
    loss = masked_loss(logits, nothing)
    loss.backward()
    assert loss.item() == 0 and loss.dim() == 0 and not logits.grad.any()
    model = BertForMaskedWords(Bert(VOCAB, D_MODEL, HEADS, LAYERS))
    loss = model.loss(torch.ones(3, 7, dtype=torch.long), nothing)
    loss.backward()
    assert (
        loss.item() == 0 and loss.dim() == 0 and not any(p.grad.any() for p in model.parameters() if p.grad is not None)
    )


def test_the_loss_takes_any_leading_axes():
    logits, targets = torch.randn(2, 3, 7, 11), torch.randint(11, (2, 3, 7))
    targets[:, :, ::2] = IGNORED
    wanted = functional.cross_entropy(logits.movedim(-1, 1), targets)
    torch.testing.assert_close(masked_loss(logits, targets), wanted)


def test_the_mean_leaves_padding_out():
    x = torch.randn(2, 3, 7, 5, dtype=torch.float64, requires_grad=True)
    mask = torch.arange(7) < torch.tensor([[7, 4, 1], [2, 0, 3]])[..., None]
    pooled = mean_pool(x, mask)
    for index in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 2)):
        wanted = torch.stack([x[index][i] for i in range(7) if mask[index][i]]).mean(0)
        torch.testing.assert_close(pooled[index], wanted, rtol=1e-12, atol=1e-12)
    assert not pooled[1, 1].any() and pooled.dtype == torch.float64
    pooled.sum().backward()
    assert torch.equal(x.grad.abs().sum(-1) > 0, mask)


def test_hidden_words_are_learnt():
    """a b c d e a ...: a masked letter follows from its neighbours, on whichever side they are."""
    generator = torch.Generator().manual_seed(0)
    rows = (torch.arange(12) + torch.arange(5)[:, None]) % 5 + 5
    model = fresh_weights(BertForMaskedWords(Bert(11, 24, 3, 2, n_positions=12)), generator)
    batches = (mask_words(rows.repeat(4, 1), (), MASK, 11, generator, 0.4) for _ in iter(int, 1))
    train(model, lambda batch: model.loss(*batch), batches, 120, 1e-2, warmup=10)
    inputs, targets = mask_words(rows.repeat(20, 1), (), MASK, 11, generator, 0.4)
    asked = targets != IGNORED
    assert (model(inputs).argmax(-1) == targets)[asked].float().mean() > 0.95
