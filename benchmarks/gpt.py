"""Notebook 11's training over three seeds, and the speed of a training step.

    python benchmarks/gpt.py seeds [seed ...]   to data/gpt_results.json: bits per byte, and what holds in stories;
                                                the same number of steps by AdamW alone
    python benchmarks/gpt.py shipped            the same for the model that comes with the course
    python benchmarks/gpt.py speed [rounds]     our step beside nanoGPT's design, nn.TransformerEncoder and Hugging Face

Speed: one thread, one interleaved run: every round times one step of each, in an order drawn anew, so that a busy
machine slows all alike; the median over the rounds of the ratio of their processor time to ours in the same round. All
train the same model on the same batches with AdamW and clipped gradients.
"""

import os
import random
import sys
import time
from statistics import median

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import Tensor, nn
from torch.nn import functional

from lib.corpora import files
from lib.corpora.stories import sentences
from lib.gpt import GPT, FusedGPT, initial_weights, load_stories_gpt
from lib.gpt2 import tanh_gelu
from lib.training import train
from lib.training.language import RECIPES, encode_texts, held_out_bits, measure, read_texts, write_texts

RESULTS = "gpt_results.json"
N_WRITTEN, N_JUDGED = 48, 100
ADAMW_PEAK = 5e-3  # the best of 3e-3, 5e-3 and 8e-3 at 800 steps
SHAPES = {  # vocab, positions, d_model, heads, layers
    "the course's model": (2_048, 320, 128, 4, 6),
    "nanoGPT on characters": (65, 256, 384, 6, 6),
    "GPT-2 with 2 of its 12 blocks": (50_257, 256, 768, 12, 2),
}
BATCH, WARM_UP_ROUNDS = 2, 1


# ------------------------------------------------------------------------------------------------------- what is learnt


def judged(model, tokenizer, learnt: list[str], held_out: list[str], seed: int) -> dict[str, float]:
    known = {sentence for text in learnt for sentence in sentences(text)}
    texts = write_texts(model, tokenizer, N_WRITTEN, torch.Generator().manual_seed(seed))
    found = {"bits per byte": held_out_bits(model, tokenizer, held_out[:N_JUDGED]), **measure(texts, known)}
    return {name: round(number, 4) for name, number in found.items()}


def seeds(numbers: list[int]) -> None:
    learnt, held_out = read_texts("stories")
    tokenizer, recipe = load_stories_gpt()[1], RECIPES["notebook"]
    ids = encode_texts(tokenizer, learnt)
    for seed in numbers:
        for task, peak, muon in (("notebook", recipe.peak, True), ("notebook by AdamW", ADAMW_PEAK, False)):
            model = GPT(len(tokenizer), recipe.n_positions, recipe.d_model, recipe.n_heads, recipe.n_layers)
            initial_weights(model, torch.Generator().manual_seed(seed))
            batches = recipe.batches(ids, seed)
            start = time.process_time()
            losses = train(model, model.loss, batches, recipe.steps, peak, fused=True, muon=muon)
            seconds = time.process_time() - start
            found = judged(model, tokenizer, learnt, held_out, seed)
            record(task, seed, found | {"loss": round(sum(losses[-50:]) / 50, 4), "seconds": round(seconds, 1)})


def shipped() -> None:
    model, tokenizer = load_stories_gpt()
    learnt, held_out = read_texts("stories")
    for seed in range(3):  # of what is written, not of the training
        record("shipped", seed, judged(model, tokenizer, learnt, held_out, seed))
    known = {sentence for text in learnt for sentence in sentences(text)}
    record("held out", 0, {name: round(number, 4) for name, number in measure(held_out, known).items()})


def record(task: str, seed: int, found: dict) -> None:
    files.record_results(RESULTS, "python benchmarks/gpt.py seeds; shipped", found, task, seed)
    print(task, seed, found, flush=True)


# ------------------------------------------------------------------------------------------------------------- speed


class NanoBlock(nn.Module):
    """The design of nanoGPT's block: one matrix for q, k, v, fused causal attention, exact GELU, pre-norm."""

    def __init__(self, d_model: int, n_heads: int):
        super().__init__()
        self.n_heads = n_heads
        self.first, self.second = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.qkv, self.out = nn.Linear(d_model, 3 * d_model), nn.Linear(d_model, d_model)
        self.up, self.down = nn.Linear(d_model, 4 * d_model), nn.Linear(4 * d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, d_model = x.shape
        shape = batch, length, self.n_heads, d_model // self.n_heads
        q, k, v = (part.view(shape).transpose(1, 2) for part in self.qkv(self.first(x)).split(d_model, dim=2))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).contiguous().view(batch, length, d_model))
        return x + self.down(functional.gelu(self.up(self.second(x))))


class Contestant(nn.Module):
    """Embedding, learned positions, somebody's blocks, norm and the tied head, as nanoGPT puts them together."""

    def __init__(self, vocab: int, n_positions: int, d_model: int, blocks: nn.Module, **named):
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocab, d_model), nn.Embedding(n_positions, d_model)
        self.blocks, self.named, self.norm = blocks, named, nn.LayerNorm(d_model)

    def loss(self, ids: Tensor) -> Tensor:
        inputs, targets = ids[:, :-1], ids[:, 1:]
        x = self.tokens(inputs) + self.places(torch.arange(inputs.shape[1]))
        logits = functional.linear(self.norm(self.blocks(x, **self.named)), self.tokens.weight)
        return functional.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1))


def contestants(shape: tuple[int, ...]) -> dict[str, nn.Module]:
    from transformers import GPT2Config, GPT2LMHeadModel

    vocab, length, d_model, n_heads, n_layers = shape
    layer = nn.TransformerEncoderLayer(
        d_model, n_heads, 4 * d_model, 0.0, functional.gelu, batch_first=True, norm_first=True
    )
    mask = nn.Transformer.generate_square_subsequent_mask(length)
    config = GPT2Config(
        vocab_size=vocab, n_positions=length, n_embd=d_model, n_head=n_heads, n_layer=n_layers,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    theirs = GPT2LMHeadModel(config)
    theirs.loss = lambda ids: functional.cross_entropy(
        theirs(ids[:, :-1], use_cache=False).logits.flatten(0, 1), ids[:, 1:].flatten()
    )
    nano = nn.Sequential(*(NanoBlock(d_model, n_heads) for _ in range(n_layers)))
    encoder = nn.TransformerEncoder(layer, n_layers, enable_nested_tensor=False)
    return {
        "ours": FusedGPT(*shape),
        "ours, GPT-2's tanh GELU": FusedGPT(*shape, activation=tanh_gelu),
        "nanoGPT's design": Contestant(*shape[:3], nano),
        "nn.TransformerEncoder": Contestant(*shape[:3], encoder, mask=mask, is_causal=True),
        "Hugging Face GPT-2": theirs,
    }


def a_step(model: nn.Module, ours: bool):
    """One training step as each would take it: ours with AdamW's fused kernel, which nanoGPT uses on a GPU only."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.02)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=ours)

    def step(ids: Tensor) -> float:
        start = time.process_time()
        loss = model.loss(ids)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        return time.process_time() - start

    return step


def gemm_peak() -> float:
    """FLOPs a second of a large product in this moment."""
    x, y = torch.randn(1024, 1024), torch.randn(1024, 1024)
    start = time.process_time()
    for _ in range(4):
        x @ y
    return 4 * 2 * 1024**3 / (time.process_time() - start)


def model_flops(shape: tuple[int, ...]) -> float:
    """Of one step: 6 for each number of each matrix and token, and the attention's products over half a square."""
    vocab, length, d_model, _, n_layers = shape
    matrices = n_layers * 12 * d_model**2 + vocab * d_model
    attention = n_layers * 2 * 2 * d_model * length / 2  # forward: scores and mix, causal
    return BATCH * length * (6 * matrices + 3 * attention)


def speed(name: str, rounds: int) -> None:
    shape = SHAPES[name]
    torch.manual_seed(0)
    steps = {who: a_step(model, who.startswith("ours")) for who, model in contestants(shape).items()}
    times, peaks = {who: [] for who in steps}, []
    for round_ in range(WARM_UP_ROUNDS + rounds):
        ids = torch.randint(shape[0], (BATCH, shape[1] + 1))
        peak = gemm_peak()
        taken = {who: steps[who](ids) for who in random.sample(list(steps), len(steps))}
        if round_ >= WARM_UP_ROUNDS:
            peaks.append(peak)
            for who, seconds in taken.items():
                times[who].append(seconds)
    tokens = BATCH * shape[1]
    print(f"{name}: vocab {shape[0]}, d_model {shape[2]}, {shape[4]} blocks, {tokens} tokens a step, {rounds} rounds")
    for who, taken in times.items():
        ratio = median(theirs / ours for theirs, ours in zip(taken, times["ours"], strict=True))
        share = median(model_flops(shape) / seconds / peak for seconds, peak in zip(taken, peaks, strict=True))
        rate = tokens / median(taken)
        print(
            f"  {who:26} {rate:7.0f} tokens/s   ours is {ratio:.2f}x as fast   {share:.2f} of the GEMM peak", flush=True
        )


if __name__ == "__main__":
    what, *numbers = sys.argv[1:]
    torch.set_num_threads(1)
    if what == "seeds":
        seeds([int(number) for number in numbers] or [0, 1, 2])
    elif what == "shipped":
        shipped()
    elif what == "speed":
        for name in SHAPES:
            speed(name, int(numbers[0]) if numbers else 7)
    else:
        raise SystemExit(f"{what!r} is none of seeds, shipped, speed")
