"""Notebook 20's trainings: the shipped GPT learns to answer and to keep names.

    python benchmarks/assistant.py [part ...] [seed ...]    to data/assistant_results.json; all parts and the seeds 0
                                                            to 2, if none are named

instructions: questions about the beginnings of stories, tuned on the answers alone. "right": the share of one question
for each held-out beginning; "by kind"; "commonest": of those that answer with what was right most often in training;
"bits per byte" of held-out stories, before and after.
dpo, grpo: stories from nothing. "names": the share that keep their people; "stories": of those that earn
`story_reward`; "nameless": of those that name no child; "words"; "kl": from the shipped model, in nats a token, on the
texts of the tuned one; "before", under dpo: of the shipped model's, out of which its pairs are made; dpo is tried at
three rates. grpo: for `story_reward`.

"seconds": of one processor. At the rate 1e-3, tried with seed 0, 60 steps on questions leave no answer right.
"""

import copy
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import Tensor

from lib.chat import answer_loss, answer_rows, chat_batches, chat_tokenizer, conversation_ids, replies, widened
from lib.corpora import files
from lib.corpora.stories import children
from lib.corpora.story_questions import (
    StoryQuestion,
    beginning,
    commonest_answers,
    question_messages,
    story_questions,
)
from lib.decoding.generate import generate_batch
from lib.decoding.sampling import Sampling, greedy
from lib.gpt import END, GPT, load_stories_gpt
from lib.preferences import pairs_by_rule, preference_loss
from lib.rewards import Rollout, kl_to_start, names_reward, roll_out, rollout_loss, story_reward
from lib.tokenizer import Tokenizer
from lib.training import train
from lib.training.language import held_out_bits, read_texts

RESULTS, SEEDS = "assistant_results.json", (0, 1, 2)
# steps and peak rates
STEPS = {"instructions": 60, "dpo": 24, "grpo": 12}
PEAKS = {"instructions": 3e-3, "grpo": 8e-4}
DPO_PEAKS = (2e-4, 3e-4, 8e-4)
TOKENS = 1_000  # of a batch of conversations
N_LEARNT, N_JUDGED, N_BITS = 1_500, 64, 24
N_PAIRED, PAIRS_A_STEP, BETA = 96, 4, 0.1  # stories that are written for DPO; pairs a step
GROUP, TIMES = 16, 2  # attempts at once; steps on the same attempts
LONGEST = 32  # tokens of an answer
AT_ONCE = 64  # texts written side by side: their caches take some 130 MB

Pick = Callable[[Tensor, list[int]], int]


def dice(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def likeliest(logits: Tensor, ids: list[int]) -> int:
    return greedy(logits).item()


# -------------------------------------------------------------------------------------------------------- instructions


def answered(model: GPT, tokenizer: Tokenizer, asked: Sequence[tuple[str, StoryQuestion]]) -> dict[str, bool]:
    """Which of the questions, each on a text of its own, are answered word for word, by their places and kinds."""
    found = {}
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        said = replies(model, tokenizer, [question_messages(text, [one])[:1] for text, one in some], LONGEST, likeliest)
        for i, ((_, one), answer) in enumerate(zip(some, said, strict=True), start):
            found[f"{i} {one.kind}"] = answer == one.answer
    return found


def share(verdicts: dict[str, bool], kind: str = "") -> float:
    chosen = [right for name, right in verdicts.items() if name.endswith(kind)]
    return round(sum(chosen) / max(1, len(chosen)), 3)


def instructions(seed: int) -> dict:
    start, plain = load_stories_gpt()
    tokenizer = chat_tokenizer(plain)
    learnt, held_out = read_texts("stories")
    rng, longest = random.Random(seed), len(start.positions.table) + 1
    asked = [(text := beginning(story), rng.choice(story_questions(text))) for story in held_out]
    texts = [beginning(story) for story in rng.sample(learnt, N_LEARNT)]
    questions = [rng.sample(found, len(found)) for found in map(story_questions, texts)]
    rows = [
        conversation_ids(tokenizer, question_messages(text, some))
        for text, some in zip(texts, questions, strict=True)
        if some
    ]
    rows = [row for row in rows if len(row) <= longest]
    guesses = commonest_answers(one for some in questions for one in some)
    guessed = {f"{i} {one.kind}": guesses[one.kind] == one.answer for i, (_, one) in enumerate(asked)}
    found: dict = {"commonest": share(guessed), "conversations": len(rows)}
    found["bits per byte"] = {"before": round(held_out_bits(start, plain, held_out[:N_BITS]), 4)}
    model = widened(start, len(tokenizer), dice(seed))
    found["before"] = share(answered(model, tokenizer, asked[:AT_ONCE]))
    found |= tuned(model, rows, tokenizer, seed)
    verdicts = answered(model, tokenizer, asked)
    found["right"] = share(verdicts)
    found["by kind"] = {kind: share(verdicts, kind) for kind in sorted({one.kind for _, one in asked})}
    found["bits per byte"]["after"] = round(held_out_bits(model, plain, held_out[:N_BITS]), 4)
    return found


def tuned(model: GPT, rows: Sequence[list[int]], tokenizer: Tokenizer, seed: int) -> dict[str, float]:
    """Train on conversations, the model changed; what it took."""
    begun = time.process_time()
    batches = chat_batches(rows, tokenizer, TOKENS, random.Random(seed))

    def loss(batch: tuple[Tensor, Tensor]) -> Tensor:
        return answer_loss(model, *batch)

    losses = train(model, loss, batches, STEPS["instructions"], PEAKS["instructions"], warmup=10, fused=True)
    model.eval()
    return {"seconds": round(time.process_time() - begun, 1), "loss": round(sum(losses[-20:]) / 20, 4)}


# ------------------------------------------------------------------------------------------------------------- stories


def write_from_nothing(model: GPT, tokenizer: Tokenizer, n: int, pick: Pick) -> list[list[int]]:
    """n stories as ids, after END, their own END included where they have one."""
    end, written = tokenizer.special[END], []
    for start in range(0, n, AT_ONCE):
        prompts = [[end]] * min(AT_ONCE, n - start)
        written += generate_batch(model, prompts, len(model.positions.table), pick, stop=[[end]])
    return written


def text_of(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    return tokenizer.decode(i for i in ids if i != tokenizer.special[END])


def judged(model: GPT, start: GPT, tokenizer: Tokenizer, seed: int) -> dict[str, float]:
    """Fresh stories of a model that has learnt."""
    written = write_from_nothing(model, tokenizer, N_JUDGED, Sampling().picker(dice(seed)))
    rows = answer_rows([[tokenizer.special[END]]] * N_JUDGED, written)
    return shares([text_of(tokenizer, ids) for ids in written]) | {"kl": round(kl_to_start(model, start, *rows), 4)}


def shares(texts: Sequence[str]) -> dict[str, float]:
    found = {
        "names": sum(map(names_reward, texts)) / len(texts),
        "stories": sum(map(story_reward, texts)) / len(texts),
        "nameless": sum(not children(text) for text in texts) / len(texts),
        "words": sum(len(text.split()) for text in texts) / len(texts),
    }
    return {name: round(number, 4) for name, number in found.items()}


def dpo(seed: int) -> dict:
    start, tokenizer = load_stories_gpt()
    prompt, begun = [tokenizer.special[END]], time.process_time()
    written = write_from_nothing(start, tokenizer, N_PAIRED, Sampling().picker(dice(1_000 + seed)))
    texts = [text_of(tokenizer, ids) for ids in written]
    pairs = pairs_by_rule(prompt, written, [story_reward(text) == 1 for text in texts])
    found: dict = {"pairs": len(pairs), "writing": round(time.process_time() - begun, 1), "before": shares(texts)}
    assert len(pairs) >= PAIRS_A_STEP, f"{len(pairs)} pairs do not fill a step of {PAIRS_A_STEP}"

    def batches() -> Iterator[list]:
        rng = random.Random(seed)
        while True:
            order = rng.sample(pairs, len(pairs))
            yield from (order[i : i + PAIRS_A_STEP] for i in range(0, len(order) - PAIRS_A_STEP + 1, PAIRS_A_STEP))

    for peak in DPO_PEAKS:
        model, begun = copy.deepcopy(start), time.process_time()

        def loss(some: list, model: GPT = model) -> Tensor:
            return preference_loss(model, start, some, BETA)

        losses = train(model, loss, batches(), STEPS["dpo"], peak, warmup=5, fused=True)
        one = {"seconds": round(time.process_time() - begun, 1), "loss": round(sum(losses[-10:]) / 10, 4)}
        found[f"peak {peak:g}"] = one | judged(model, start, tokenizer, seed)
    return found


def grpo(seed: int) -> dict:
    start, tokenizer = load_stories_gpt()
    model, prompt, earned = copy.deepcopy(start), [tokenizer.special[END]], []
    pick = Sampling().picker(dice(2_000 + seed))

    def write(prompts: Sequence[Sequence[int]]) -> list[list[int]]:
        return write_from_nothing(model, tokenizer, len(prompts), pick)

    def batches() -> Iterator[Rollout]:
        while True:
            attempts = roll_out(
                model, start, [prompt], GROUP, write, lambda _, ids: story_reward(text_of(tokenizer, ids))
            )
            earned.append(round(attempts.rewards.mean().item(), 3))
            yield from [attempts] * TIMES

    begun = time.process_time()
    train(
        model, lambda attempts: rollout_loss(model, attempts), batches(), STEPS["grpo"], PEAKS["grpo"], warmup=2,
        fused=True,
    )  # fmt: skip
    found = {"seconds": round(time.process_time() - begun, 1), "earned": earned}
    return found | judged(model, start, tokenizer, seed)


PARTS = {"instructions": instructions, "dpo": dpo, "grpo": grpo}


def main(words: Sequence[str]) -> None:
    torch.set_num_threads(1)
    if strangers := [word for word in words if word not in PARTS and not word.isdigit()]:
        raise SystemExit(f"{strangers[0]!r} is none of {', '.join(PARTS)}, and no seed")
    for part in [word for word in words if word in PARTS] or PARTS:
        for seed in [int(word) for word in words if word.isdigit()] or SEEDS:
            found = PARTS[part](seed)
            files.record_results(RESULTS, "python benchmarks/assistant.py", found, part, seed)
            print(part, seed, json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
