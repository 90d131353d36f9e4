"""Cached greedy and beam search beside Hugging Face's `generate`: `python benchmarks/decoding.py [rounds]`.

The same weights (a MarianMTModel gets ours), the same batches, one thread. <EOS> is made impossible on both sides, so
that both take the same number of steps, and the ids must come out equal. One interleaved run: every round times all
contestants once, in turn, so that a busy machine slows all; a ratio is the median over the rounds. Processor seconds.

Three sizes: notebook 09's translator, the one for Multi30k (`python -m lib.training translate`), and a wider one.
"""

import os
import sys
import time
import warnings
from itertools import product
from statistics import median

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import nn

from lib.batching import EOS, PAD, SOS
from lib.decoding.search import translate
from lib.layers import FusedLayerNorm, PostNorm, fresh_weights
from lib.transformer import Decoder, DecoderBlock, Encoder, EncoderBlock, Transformer

SIZES = {
    "notebook 09": {"vocab": 1500, "d_model": 128, "n_heads": 4, "d_ff": 512, "n_blocks": 2},
    "Multi30k": {"vocab": 4096, "d_model": 128, "n_heads": 4, "d_ff": 512, "n_blocks": 3},
    "twice as wide": {"vocab": 4096, "d_model": 256, "n_heads": 4, "d_ff": 1024, "n_blocks": 3},
}
BATCHES, READ, WRITTEN = (16, 64), 14, 16  # sentences at once, words of each source, steps


def transformer(vocab, d_model, n_heads, d_ff, n_blocks):
    """Marian's architecture out of the course's parts: post-norm, biases everywhere, one embedding for both sides."""
    sizes = d_model, n_heads, d_ff, 0.0, PostNorm, True
    table = nn.Embedding(vocab, d_model)
    encoder = Encoder([EncoderBlock(*sizes) for _ in range(n_blocks)])
    decoder = Decoder([DecoderBlock(*sizes) for _ in range(n_blocks)])
    for block in [*encoder.blocks, *decoder.blocks]:
        for name, part in block.named_children():
            if name.startswith("around"):
                part.norm = FusedLayerNorm(d_model)
    model = fresh_weights(Transformer(table, table, encoder, decoder), torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.bias[[PAD, EOS]] = -1e9
    return model.eval()


@torch.no_grad()
def marian(ours):
    """A MarianMTModel with our weights; its sinusoids, of another order, are put into our model."""
    from transformers import MarianConfig, MarianMTModel

    block = ours.decoder.blocks[0]
    counts = {
        "layers": len(ours.decoder.blocks),
        "attention_heads": block.self_attention.n_heads,
        "ffn_dim": block.feed_forward.widen.out_features,
    }
    theirs = MarianMTModel(
        MarianConfig(
            vocab_size=len(ours.bias),
            d_model=ours.target_embedding.embedding_dim,
            **{f"{side}_{name}": count for side in ("encoder", "decoder") for name, count in counts.items()},
            activation_function="relu",
            scale_embedding=True,
            dropout=0.0,
            pad_token_id=PAD,
            eos_token_id=EOS,
            decoder_start_token_id=SOS,
            forced_eos_token_id=None,
            bos_token_id=None,
        )
    ).eval()
    theirs.model.shared.weight.copy_(ours.target_embedding.weight)
    theirs.final_logits_bias.copy_(ours.bias)
    for side, own_name in (("encoder", "attention"), ("decoder", "self_attention")):
        for mine, layer in zip(getattr(ours, side).blocks, getattr(theirs.model, side).layers, strict=True):
            copy_attention(mine, own_name, layer.self_attn, layer.self_attn_layer_norm)
            if side == "decoder":
                copy_attention(mine, "cross_attention", layer.encoder_attn, layer.encoder_attn_layer_norm)
            copy_norm(mine.around_feed_forward.norm, layer.final_layer_norm)
            layer.fc1.load_state_dict(mine.feed_forward.widen.state_dict())
            layer.fc2.load_state_dict(mine.feed_forward.narrow.state_dict())
    ours.positions.table = theirs.model.encoder.embed_positions.weight.detach().clone()
    return theirs


def copy_attention(block, name, theirs, norm):
    for mine, other in {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}.items():
        getattr(theirs, other).load_state_dict(getattr(getattr(block, name), mine).state_dict())
    copy_norm(getattr(block, f"around_{name}").norm, norm)


def copy_norm(ours, theirs):
    theirs.weight.copy_(ours.scale)
    theirs.bias.copy_(ours.shift)


def seconds(run):
    start = time.process_time()
    found = run()
    return found, time.process_time() - start


def compare(name, sizes, batch, rounds):
    ours = transformer(**sizes)
    theirs = marian(ours)
    generator = torch.Generator().manual_seed(1)
    for beams in (1, 4):
        settings = {"max_new_tokens": WRITTEN, "num_beams": beams, "length_penalty": 1.0, "early_stopping": True}
        times = []
        for _ in range(rounds + 1):
            source = torch.randint(4, sizes["vocab"], (batch, READ), generator=generator)
            sentences = source.tolist()
            mine, own = seconds(lambda s=sentences, b=beams: translate(ours, s, WRITTEN, beams=b, tokens=10**6))
            found, other = seconds(
                lambda s=source, k=settings: theirs.generate(s, attention_mask=torch.ones_like(s), **k)
            )
            same = sum(a == b for a, b in zip(mine, found[:, 1:].tolist(), strict=True))
            assert same >= 0.9 * batch, f"only {same} of {batch} sentences are the same"
            times.append((own, other))
        own, other = zip(*times[1:], strict=True)  # the first round warms up
        ratio = median(b / a for a, b in times[1:])
        tokens = batch * WRITTEN
        print(
            f"{name}, {batch} sentences, {beams} beam{'s'[: beams > 1]}: ours {tokens / median(own):,.0f} tokens/s, "
            f"Marian's generate {tokens / median(other):,.0f}; ours is {ratio:.2f} times as fast"
        )


if __name__ == "__main__":
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    for name, batch in product(SIZES, BATCHES):
        compare(name, SIZES[name], batch, int(sys.argv[1]) if len(sys.argv) > 1 else 9)
