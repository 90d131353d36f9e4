"""The whole Transformer against PyTorch's and Hugging Face's with our weights copied, and what stands around it."""

import random

import pytest
import torch
from torch import nn
from torch.nn import functional

from lib.attention import alignment_accuracy
from lib.batching import PAD, SOS, Batch, similar_lengths, translation_batches
from lib.figures import LiveCurve
from lib.layers import FusedLayerNorm, FusedPreNorm, LayerNorm, PostNorm, PreNorm, fresh_weights
from lib.scoring import exact_match
from lib.seq2seq import greedy_translate
from lib.training.recipes import label_smoothed_loss, noam_rate, paired_lengths, share_of_padding
from lib.transformer import (
    Decoder,
    DecoderBlock,
    Encoder,
    EncoderBlock,
    Transformer,
    cross_attention_weights,
    next_word_step,
)

D_MODEL, HEADS, D_FF, SOURCE_VOCAB, TARGET_VOCAB, BLOCKS = 12, 3, 17, 23, 29, 2
PAIRS = [([4, 5, 6, 7, 8], [9, 10, 11]), ([4, 5], [12, 13, 14, 15, 16, 17, 18]), ([19, 20, 21, 22, 4, 6, 8], [5])]


def transformer(shortcut=PreNorm, norm=LayerNorm, bias=False, seed=0, dropout=0.0, shared=False):
    sizes = D_MODEL, HEADS, D_FF, dropout, shortcut, bias
    last = None if shortcut is PostNorm else norm(D_MODEL), None if shortcut is PostNorm else norm(D_MODEL)
    target = nn.Embedding(TARGET_VOCAB, D_MODEL)
    model = Transformer(
        target if shared else nn.Embedding(SOURCE_VOCAB, D_MODEL),
        target,
        Encoder([EncoderBlock(*sizes) for _ in range(BLOCKS)], last[0]),
        Decoder([DecoderBlock(*sizes) for _ in range(BLOCKS)], last[1]),
        dropout,
    )
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator))
    return model


@torch.no_grad()
def copy_attention(ours, theirs):
    theirs.in_proj_weight.copy_(torch.cat([ours.to_q.weight, ours.to_k.weight, ours.to_v.weight]))
    theirs.in_proj_bias.zero_()
    theirs.out_proj.weight.copy_(ours.to_out.weight)
    theirs.out_proj.bias.zero_()


@torch.no_grad()
def copy_norm(ours, theirs):
    theirs.weight.copy_(ours.scale)
    theirs.bias.copy_(ours.shift)


@pytest.mark.parametrize("shortcut", [PreNorm, PostNorm])
@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_the_stacks_are_pytorchs(shortcut):
    """nn.Transformer works on vectors: it is given ours, and must find the same features."""
    ours = transformer(shortcut)
    theirs = nn.Transformer(D_MODEL, HEADS, BLOCKS, BLOCKS, D_FF, 0.0, batch_first=True, norm_first=shortcut is PreNorm)
    for mine, layer in zip(ours.encoder.blocks, theirs.encoder.layers, strict=True):
        copy_attention(mine.attention, layer.self_attn)
        for number, part in enumerate((mine.around_attention, mine.around_feed_forward), 1):
            copy_norm(part.norm, getattr(layer, f"norm{number}"))
        layer.linear1.load_state_dict(mine.feed_forward.widen.state_dict())
        layer.linear2.load_state_dict(mine.feed_forward.narrow.state_dict())
    for mine, layer in zip(ours.decoder.blocks, theirs.decoder.layers, strict=True):
        copy_attention(mine.self_attention, layer.self_attn)
        copy_attention(mine.cross_attention, layer.multihead_attn)
        shortcuts = (mine.around_self_attention, mine.around_cross_attention, mine.around_feed_forward)
        for number, part in enumerate(shortcuts, 1):
            copy_norm(part.norm, getattr(layer, f"norm{number}"))
        layer.linear1.load_state_dict(mine.feed_forward.widen.state_dict())
        layer.linear2.load_state_dict(mine.feed_forward.narrow.state_dict())
    if shortcut is PreNorm:
        copy_norm(ours.encoder.norm, theirs.encoder.norm)
        copy_norm(ours.decoder.norm, theirs.decoder.norm)
    else:  # the paper's stacks have no norm at the end; PyTorch's always have
        theirs.encoder.norm = theirs.decoder.norm = None
    batch = Batch.of(PAIRS)
    source = ours.positions(ours.source_embedding(batch.source) * ours.scale)
    hidden = ~torch.ones(batch.inputs.shape[1], batch.inputs.shape[1], dtype=torch.bool).tril()  # True: hidden
    features = theirs(
        source,
        ours.embed(batch.inputs),
        tgt_mask=hidden,
        src_key_padding_mask=~batch.source_mask,
        memory_key_padding_mask=~batch.source_mask,
    )
    expected = features @ ours.target_embedding.weight.T + ours.bias
    mine = ours(batch.source, batch.source_mask, batch.inputs)
    torch.testing.assert_close(mine, expected, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def marian_twin(ours):
    """Hugging Face's MarianMTModel with our weights: post-norm, biases everywhere, one vocabulary for both sides."""
    from transformers import MarianConfig, MarianMTModel

    counts = {"layers": BLOCKS, "attention_heads": HEADS, "ffn_dim": D_FF}
    sizes = {f"{side}_{name}": count for side in ("encoder", "decoder") for name, count in counts.items()}
    config = MarianConfig(
        vocab_size=TARGET_VOCAB,
        d_model=D_MODEL,
        **sizes,
        activation_function="relu",
        scale_embedding=True,
        dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        max_position_embeddings=32,
        pad_token_id=PAD,
        eos_token_id=2,
        decoder_start_token_id=SOS,
        forced_eos_token_id=None,
    )
    theirs = MarianMTModel(config).eval()
    theirs.model.shared.weight.copy_(ours.target_embedding.weight)
    theirs.final_logits_bias.copy_(ours.bias)
    names = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}
    for side in ("encoder", "decoder"):
        for mine, layer in zip(getattr(ours, side).blocks, getattr(theirs.model, side).layers, strict=True):
            attentions = [("attention" if side == "encoder" else "self_attention", "self_attn", "self_attn_layer_norm")]
            if side == "decoder":
                attentions.append(("cross_attention", "encoder_attn", "encoder_attn_layer_norm"))
            for own, other, norm in attentions:
                for a, b in names.items():
                    part = getattr(getattr(mine, own), a)
                    getattr(getattr(layer, other), b).load_state_dict(part.state_dict())
                copy_norm(getattr(mine, f"around_{own}").norm, getattr(layer, norm))
            copy_norm(mine.around_feed_forward.norm, layer.final_layer_norm)
            layer.fc1.load_state_dict(mine.feed_forward.widen.state_dict())
            layer.fc2.load_state_dict(mine.feed_forward.narrow.state_dict())
    ours.positions.table = theirs.model.encoder.embed_positions.weight.detach().clone()  # sines first, then cosines
    return theirs


def test_logits_loss_and_gradients_are_marians():
    """Positions differ in the order of their numbers only; Marian's are put into our model."""
    ours = transformer(PostNorm, bias=True, shared=True)
    theirs = marian_twin(ours)
    batch = Batch.of(PAIRS)
    found = theirs(
        input_ids=batch.source,
        attention_mask=batch.source_mask.long(),
        labels=batch.targets.masked_fill(~batch.mask, -100),
    )
    mine = ours(batch.source, batch.source_mask, batch.inputs)
    torch.testing.assert_close(mine[batch.mask], found.logits[batch.mask], rtol=1e-5, atol=1e-5)
    loss = ours.loss(batch)
    torch.testing.assert_close(loss, found.loss, rtol=1e-5, atol=1e-6)
    ours_gradient = torch.autograd.grad(loss, ours.target_embedding.weight)[0]
    theirs_gradient = torch.autograd.grad(found.loss, theirs.model.shared.weight)[0]
    torch.testing.assert_close(ours_gradient, theirs_gradient, rtol=1e-4, atol=1e-5)


def test_the_sinusoids_are_marians_in_another_order():
    ours = transformer(PostNorm, bias=True, shared=True)
    table = ours.positions.table[:32]
    theirs = marian_twin(ours).model.encoder.embed_positions.weight
    torch.testing.assert_close(torch.cat([table[:, 0::2], table[:, 1::2]], dim=1), theirs, rtol=1e-5, atol=1e-5)


def test_the_future_cannot_change_the_past_and_the_source_changes_everything():
    model = transformer()
    batch = Batch.of(PAIRS[:1])
    inputs = batch.inputs.repeat(2, 1)
    inputs[1, 2:] = 28
    memory = model.encode(batch.source, batch.source_mask).expand(2, -1, -1)
    logits = model.decode(inputs, memory, batch.source_mask)
    assert torch.equal(logits[0, :2], logits[1, :2]) and not torch.allclose(logits[0, 2], logits[1, 2])
    changed = batch.source.clone()
    changed[0, -1] = 22
    other = model(changed, batch.source_mask, batch.inputs)
    assert ((other - logits[:1]).abs().amax(-1) > 1e-4).all()


def test_padding_changes_nothing():
    """A sentence alone gives the same logits as beside longer ones, and the loss is the mean over all real targets."""
    model = transformer()
    together = Batch.of(PAIRS)
    logits = model(together.source, together.source_mask, together.inputs)
    surprises = []
    for row, pair in enumerate(PAIRS):
        alone = Batch.of([pair])
        mine = model(alone.source, alone.source_mask, alone.inputs)
        length = alone.inputs.shape[1]
        torch.testing.assert_close(logits[row, :length], mine[0], rtol=1e-5, atol=1e-5)
        surprises.append(functional.cross_entropy(mine[0], alone.targets[0], reduction="none"))
    torch.testing.assert_close(model.loss(together), torch.cat(surprises).mean())


def test_embed_takes_up_where_it_stopped():
    model = transformer()
    ids = torch.tensor([[1, 7, 8, 9, 10]])
    whole = model.embed(ids)
    assert torch.equal(torch.cat([model.embed(ids[:, :2]), model.embed(ids[:, 2:], start=2)], dim=1), whole)


def test_the_output_is_the_embedding():
    model = transformer()
    x = torch.eye(D_MODEL)
    assert torch.equal(model.logits(x), model.target_embedding.weight.T + model.bias)
    assert sum("weight" in name and "embedding" in name for name, _ in model.named_parameters()) == 2
    assert sum("embedding" in name for name, _ in transformer(shared=True).named_parameters()) == 1


def test_embeddings_of_two_widths_are_refused():
    with pytest.raises(ValueError, match="source vectors of 8 numbers, target vectors of 12"):
        Transformer(nn.Embedding(5, 8), nn.Embedding(5, 12), Encoder([]), Decoder([]))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5, 1.0])
def test_label_smoothing_is_pytorchs(smoothing):
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(3, 5, 7, generator=generator, requires_grad=True)
    targets = torch.randint(7, (3, 5), generator=generator)
    expected = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), label_smoothing=smoothing)
    torch.testing.assert_close(label_smoothed_loss(logits, targets, smoothing), expected)
    mine = torch.autograd.grad(label_smoothed_loss(logits, targets, smoothing), logits)
    torch.testing.assert_close(mine, torch.autograd.grad(expected, logits))


def test_label_smoothing_stays_finite():
    logits = torch.tensor([[1e4, 0.0, -1e4]])
    assert torch.isfinite(label_smoothed_loss(logits, torch.tensor([0]), 0.1))


def test_noam_rate_is_the_papers():
    """Section 5.3 with d_model 512 and 4,000 steps: the peak is 512^-0.5 * 4000^-0.5, at step 4,000."""
    rates = [noam_rate(step, 512, 4000) for step in range(1, 20_000)]
    assert rates.index(max(rates)) == 3999
    assert max(rates) == pytest.approx(6.9877e-4, rel=1e-4)
    assert rates[0] == pytest.approx(max(rates) / 4000)
    assert rates[15_999] == pytest.approx(max(rates) / 2)  # four times as many steps: half the rate


def test_share_of_padding():
    assert share_of_padding([3, 5], [[0], [1]]) == 0
    assert share_of_padding([2, 4, 6], [[0, 2], [1]]) == pytest.approx(4 / 16)
    rng = random.Random(0)
    lengths = [rng.randint(3, 20) for _ in range(2000)]
    mixed = [list(range(start, start + 40)) for start in range(0, 2000, 40)]
    assert share_of_padding(lengths, similar_lengths(lengths, 500, rng)) < 0.05 < share_of_padding(lengths, mixed)


def test_next_word_step_writes_what_one_pass_predicts():
    """Word by word, or all at once: the same logits, and greedy_translate takes the step as it is."""
    model = transformer()
    batch = Batch.of(PAIRS)
    at_once = model(batch.source, batch.source_mask, batch.inputs)
    memory = model.encode(batch.source, batch.source_mask)
    state = torch.empty(3, 0, dtype=torch.long), memory, batch.source_mask
    for position in range(batch.inputs.shape[1]):
        logits, state, _ = next_word_step(model, batch.inputs[:, position], state)
        torch.testing.assert_close(logits, at_once[:, position], rtol=1e-5, atol=1e-5)
    start = torch.empty(3, 0, dtype=torch.long), memory, batch.source_mask
    written = greedy_translate(lambda ids, state: next_word_step(model, ids, state), start, 6)
    assert written.shape[0] == 3 and written.shape[1] <= 6


def test_cross_attention_weights_are_those_of_the_forward_pass():
    model = transformer()
    batch = Batch.of(PAIRS)
    weights = cross_attention_weights(model, batch)
    assert weights.shape == (BLOCKS, 3, HEADS, batch.inputs.shape[1], batch.source.shape[1])
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
    assert (weights.masked_select(~batch.source_mask[None, :, None, None, :]) == 0).all()
    assert all(block.cross_attention.weights is None for block in model.decoder.blocks)
    assert not any(block.cross_attention.keep_weights for block in model.decoder.blocks)


def test_alignment_accuracy_of_known_looks():
    weights = torch.zeros(2, 3, 4)  # two heads, three written words, four read ones
    weights[0, [0, 1, 2], [3, 0, 1]] = 1.0
    weights[1, :, 2] = 1.0
    links = [(3, 0), (0, 1), (2, 2)]
    assert alignment_accuracy(weights, links).tolist() == pytest.approx([2 / 3, 1 / 3])


def test_fused_layers_are_the_plain_ones():
    """The same names, the same numbers, the same gradients: what one has learned the other can use."""
    plain, fused = transformer(), transformer(FusedPreNorm, FusedLayerNorm, seed=1)
    fused.load_state_dict(plain.state_dict())
    batch = Batch.of(PAIRS)
    losses = [model.loss(batch, 0.1) for model in (plain, fused)]
    torch.testing.assert_close(*losses, rtol=1e-5, atol=1e-6)
    for loss in losses:
        loss.backward()
    for a, b in zip(plain.parameters(), fused.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-5)


def test_fresh_weights_keep_the_size_of_what_passes():
    model = fresh_weights(nn.Sequential(nn.Linear(300, 200), LayerNorm(200)), torch.Generator().manual_seed(0))
    x = torch.randn(500, 300, generator=torch.Generator().manual_seed(1))
    assert 0.9 < model[0](x).std().item() < 1.1
    assert (model[0].bias == 0).all() and (model[1].scale == 1).all() and (model[1].shift == 0).all()
    twin = fresh_weights(nn.Sequential(nn.Linear(300, 200), LayerNorm(200)), torch.Generator().manual_seed(0))
    assert torch.equal(model[0].weight, twin[0].weight)


def test_a_tiny_transformer_learns_by_heart():
    """Three pairs, 60 steps: it then writes them without a mistake, so training and writing fit each other."""
    model = fresh_weights(transformer(FusedPreNorm, FusedLayerNorm), torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _, batch in zip(range(60), translation_batches(PAIRS, 100, random.Random(0)), strict=False):
        optimiser.zero_grad()
        model.loss(batch).backward()
        optimiser.step()
    batch = Batch.of(PAIRS)
    start = torch.empty(3, 0, dtype=torch.long), model.encode(batch.source, batch.source_mask), batch.source_mask
    written = greedy_translate(lambda ids, state: next_word_step(model, ids, state), start, 10)
    assert torch.equal(written, batch.targets)


def test_paired_lengths_give_every_pair_once_an_epoch_with_little_padding():
    rng = random.Random(0)
    pairs = [([4] * rng.randint(1, 12), [i, *[5] * rng.randint(0, 9)]) for i in range(10, 810)]
    batches, seen = paired_lengths(pairs, 60, random.Random(1)), []
    padding = places = 0
    while len(seen) < len(pairs):
        batch = next(batches)
        assert batch.targets.numel() <= 60
        seen += batch.targets[:, 0].tolist()
        padding += (~batch.source_mask).sum().item()
        places += batch.source_mask.numel()
    assert sorted(seen) == list(range(10, 810))
    usual = translation_batches(pairs, 60, random.Random(1))
    masks = [next(usual).source_mask for _ in range(100)]
    assert padding / places < 0.6 * sum((~mask).sum().item() for mask in masks) / sum(mask.numel() for mask in masks)
    with pytest.raises(ValueError, match="no pairs"):
        next(paired_lengths([], 60, rng))


def test_the_live_curve_averages_its_losses():
    curve = LiveCurve(steps=7, every=3, rivals={"pairs": 5.5})
    for step in range(1, 8):
        curve(step, float(step))
    assert curve.points == [(3, 2.0), (6, 5.0), (7, 7.0)]
    axes = curve.figure().axes[0]
    assert axes.get_xlim()[1] > 7
    assert [list(line.get_ydata()) for line in axes.lines[2:]] == [[5.5, 5.5]]


def test_the_trained_translator_translates():
    """What notebook 10 starts from: weights, sizes and words in one file."""
    from lib.corpora.italian import load_pairs
    from lib.decoding.search import translate
    from lib.training.translator import corpus, load_translator

    model, english, italian = load_translator()
    again = corpus()
    assert (english.words, italian.words) == (again[0].words, again[1].words)
    tests = [pair.words() for pair in load_pairs("test")[:200]]
    written = translate(model, [english.encode(source) for source, _ in tests], 40)
    assert exact_match([italian.decode(ids) for ids in written], [target for _, target in tests]) > 0.85
