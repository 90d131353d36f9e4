"""Writing with a cache at GPT-2-small's size, beside Hugging Face: `python benchmarks/kv_cache.py [rounds]`.

One interleaved run on one thread: every round writes NEW tokens greedily behind PROMPT ones with each contestant, in
turn, so that a busy machine slows all alike; the time is the processor's. Random weights, the same in all: ours and
Hugging Face's `generate` with its cache must write the same tokens. A ratio is the median over the rounds.

The bounds are measured in the same rounds. A token needs every weight once, so it cannot be faster than reading them:
"reading" adds them up (`Tensor.sum`, the fastest reader in PyTorch), "products" multiplies one vector by each matrix,
stored as our model stores it. Peak memory is measured in a process of its own for each contestant.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch
from torch import nn

from lib.decoding.generate import CachedGPT, lay_out_for_decoding
from lib.decoding.quantise import quantised
from lib.decoding.sampling import generate
from lib.gpt import FusedGPT
from lib.gpt2 import load_gpt2_weights, tanh_gelu

PROMPT, NEW = 1, 64  # one token as the prompt: every step reads one position
SIZES = {"vocab": 50257, "n_positions": 1024, "d_model": 768, "n_heads": 12, "n_layers": 12}
LABELS = {"ours": "ours, float32", "hugging face": "Hugging Face, float32", "int8": "ours, dynamic int8"}


def theirs() -> nn.Module:
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config()).eval()
    model.generation_config.eos_token_id = None  # never stop early
    return model


def same_weights(model: nn.Module) -> FusedGPT:
    from safetensors.torch import save_file

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        state = {name: part.contiguous() for name, part in model.state_dict().items() if name != "lm_head.weight"}
        save_file(state, path)
        return load_gpt2_weights(path)


def our_writer(model: nn.Module, prompt: list[int]) -> Callable[[], list[int]]:
    return lambda: list(generate(CachedGPT(model), prompt, NEW, lambda logits, ids: logits.argmax().item()))


def their_writer(model: nn.Module, prompt: list[int]) -> Callable[[], list[int]]:
    ids = torch.tensor([prompt])

    @torch.inference_mode()
    def write() -> list[int]:
        settings = {"max_new_tokens": NEW, "do_sample": False, "use_cache": True, "pad_token_id": 0}
        return model.generate(ids, attention_mask=torch.ones_like(ids), **settings)[0, PROMPT:].tolist()

    return write


def bounds(model: nn.Module) -> dict[str, Callable[[], None]]:
    """Reading every weight that a token needs, and multiplying by every one of them."""
    matrices = [part.weight.data for part in model.modules() if isinstance(part, nn.Linear)]
    matrices.append(model.embedding.weight.data)
    flat = [torch.as_strided(m, (m.numel(),), (1,)) for m in matrices]
    vectors = {m.shape[1]: torch.randn(1, m.shape[1]) for m in matrices}

    @torch.inference_mode()
    def read() -> None:
        for numbers in flat:
            numbers.sum()

    @torch.inference_mode()
    def multiply() -> None:
        for m in matrices:
            nn.functional.linear(vectors[m.shape[1]], m)

    return {"reading": read, "products": multiply}


def seconds(work: Callable, times: int = 1) -> float:
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times


def peak(name: str) -> None:
    """Run one contestant alone; print the peak of its memory, and what was used when all was imported, in MB."""
    prompt = list(range(1000, 1000 + PROMPT))
    if name == "hugging face":
        from transformers import GPT2Config, GPT2LMHeadModel  # noqa: F401
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if name == "hugging face":
        write = their_writer(theirs(), prompt)
    else:
        model = FusedGPT(**SIZES, activation=tanh_gelu).eval()
        lay_out_for_decoding(model)
        write = our_writer(quantised(model) if name == "int8" else model, prompt)
        del model
    write()
    print(before / 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def peaks() -> None:
    """Each contestant in a process of its own. To be called while this one is small: a child's peak begins at it."""
    for name, label in LABELS.items():
        command = [sys.executable, __file__, "peak", name]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        before, most = map(float, answer)
        print(f"{label:24} peak memory {most:6.0f} MB, {most - before:5.0f} MB of it after the imports")


def main(rounds: int) -> None:
    torch.set_num_threads(1)
    peaks()
    torch.manual_seed(0)
    reference = theirs()
    ours = lay_out_for_decoding(same_weights(reference))
    prompt = list(range(1000, 1000 + PROMPT))
    writers = {"ours": our_writer(ours, prompt), "hugging face": their_writer(reference, prompt)}
    writers["int8"] = our_writer(quantised(ours), prompt)
    readers = bounds(ours)
    same = writers["ours"]() == writers["hugging face"]()
    writers["int8"]()
    times: dict[str, list[float]] = {name: [] for name in [*writers, *readers]}
    for _ in range(rounds):
        for name, work in writers.items():
            times[name].append(seconds(work) / NEW)
        for name, work in readers.items():
            times[name].append(seconds(work, 8))

    def ratio(a: str, b: str) -> float:
        return median(x / y for x, y in zip(times[a], times[b], strict=True))

    print(f"one thread, {rounds} rounds, {NEW} tokens after {PROMPT}, GPT-2 small with random weights")
    print(f"ours and Hugging Face write {'the same tokens' if same else 'DIFFERENT TOKENS'}")
    for name, label in LABELS.items():
        print(f"{label:24} {1000 * median(times[name]):7.1f} ms a token  {1 / median(times[name]):6.1f} tokens/s")
    print(f"{'reading all weights':24} {1000 * median(times['reading']):7.1f} ms")
    print(f"{'all products':24} {1000 * median(times['products']):7.1f} ms")
    print(f"ours against Hugging Face      {ratio('hugging face', 'ours'):5.2f}x")
    print(f"int8 against our float32       {ratio('ours', 'int8'):5.2f}x")
    print(f"share of the bound by reading  {ratio('reading', 'ours'):5.2f}")
    print(f"share of the bound by products {ratio('products', 'ours'):5.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["peak"]:
        torch.set_num_threads(1)
        peak(sys.argv[2])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
