"""Multi30k, real captions: BLEU on flickr 2016 after a training: `python benchmarks/multi30k.py [de|fr] [seed ...]`.

The results go to data/multi30k_results.json.
What `python -m lib.training translate --corpus multi30k` does, on one thread, with its processor time, and sacreBLEU's
own number beside the course's. About 20 processor minutes a seed; a run that was interrupted goes on where it was.
"""

import json
import sys
import time
from pathlib import Path

import sacrebleu
import torch

from lib.corpora import files
from lib.corpora.multi30k import load_multi30k
from lib.training import __main__ as command
from lib.training import watch
from lib.training.mteval import mteval_bleu
from lib.training.translation import load_model, translate_texts

RESULTS = "multi30k_results.json"
WIDTHS = (1, 4)


def trained(target: str, seed: int, out: Path) -> float:
    """Train to the end. Returns the processor minutes that the steps took, samples aside, in all goes together."""
    goes, seconds = out.with_suffix(".seconds"), []
    usual = watch.Watch.to_the_end

    def counted(self: watch.Watch) -> bool:
        try:
            return usual(self)
        finally:
            seconds.append(self.seconds)

    watch.Watch.to_the_end = counted
    try:
        options = ["--corpus", "multi30k", "--target", target, "--seed", str(seed), "--out", str(out), "--threads", "1"]
        if status := command.main(["translate", *options]):
            sys.exit(status)
    finally:
        watch.Watch.to_the_end = usual
        with open(goes, "a", encoding="utf-8") as file:
            file.writelines(f"{each}\n" for each in seconds)
    if not out.exists():
        sys.exit(130)
    return sum(map(float, goes.read_text(encoding="utf-8").split())) / 60


def scored(target: str, out: Path) -> dict[str, float]:
    """BLEU for each width of the search, and the processor seconds that it took for the 1,000 sentences."""
    model, tokenizer, _ = load_model(out)
    pairs = load_multi30k(target, "test")
    sources, right = [source for source, _ in pairs], [text for _, text in pairs]
    found = {}
    for beams in WIDTHS:
        start = time.process_time()
        written = translate_texts(model, tokenizer, sources, beams)
        seconds = time.process_time() - start
        theirs = sacrebleu.corpus_bleu(written, [right]).score
        if abs(theirs - mteval_bleu(written, right)) > 1e-9:
            raise AssertionError(f"sacreBLEU says {theirs}, the course {mteval_bleu(written, right)}")
        found[f"beam {beams}"] = {"bleu": round(theirs, 2), "seconds": round(seconds, 1)}
    return found


def record(target: str, seed: int, minutes: float, out: Path) -> None:
    """Score a trained model and enter it into the results."""
    _, _, settings = load_model(out)
    found = {"recipe": settings["recipe"], "processor_minutes": round(minutes, 1), **scored(target, out)}
    files.record_results(RESULTS, "python benchmarks/multi30k.py", found, target, seed)
    print(json.dumps(found, indent=1))


def main(target: str = "de", *seeds: str) -> None:
    torch.set_num_threads(1)
    for seed in map(int, seeds or ("0",)):
        out = files.DATA.parent / "mywork" / f"multi30k_{target}_{seed}.safetensors"
        out.parent.mkdir(exist_ok=True)
        record(target, seed, trained(target, seed, out), out)


if __name__ == "__main__":
    main(*sys.argv[1:])
