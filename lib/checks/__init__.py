"""What a learner gets told about an exercise: `attention = check("attention")`.

NOTEBOOKS    the one list of notebooks and their exercises, in order
check        judge the caller's function or class of that name; return what the notebook goes on with
exercise     the Exercise of that name: its probes and mistakes stand in one module a notebook
"""

import importlib
import sys

NOTEBOOKS: dict[str, list[str]] = {
    "00_start_here": ["weighted_average"],
    "01_rnn_limits": [
        "rnn_step",
        "run_rnn",
        "next_character_loss",
        "gradient_by_distance",
        "clip_gradients",
        "lstm_step",
        "LSTM",
    ],
    "02_bag_of_words_and_word2vec": [
        "bag_of_words",
        "tf_idf",
        "cosine_similarity",
        "skip_gram_pairs",
        "negative_sampling",
        "analogy",
    ],
    "03_seq2seq_and_bahdanau_attention": [
        "pad_batch",
        "shift_right",
        "greedy_translate",
        "masked_softmax",
        "additive_scores",
        "BahdanauDecoder",
    ],
    "04_self_attention_by_hand": [
        "pair_scores",
        "stable_softmax",
        "simple_self_attention",
        "attention",
        "SelfAttention",
        "attention_gradient",
    ],
    "05_multi_head_attention_and_masks": [
        "split_heads",
        "join_heads",
        "causal_mask",
        "padding_mask",
        "MultiHeadAttention",
        "future_leak",
    ],
    "06_positions": [
        "position_angles",
        "sinusoidal_positions",
        "shift_matrix",
        "LearnedPositions",
        "rotate",
        "distance_penalty",
    ],
    "07_the_transformer_block": [
        "LayerNorm",
        "dropout",
        "FeedForward",
        "PreNorm",
        "EncoderBlock",
        "DecoderBlock",
        "parameter_counts",
    ],
    "08_tokens": ["pair_counts", "merge_pair", "learn_merges", "bpe_decode", "bpe_encode", "split_special"],
    "09_encoder_decoder_translation": [
        "Transformer",
        "next_word_step",
        "share_of_padding",
        "label_smoothed_loss",
        "noam_rate",
        "alignment_accuracy",
    ],
    "10_search": [
        "best_continuations",
        "log_probability",
        "beam_step",
        "reorder",
        "beam_search",
        "clipped_matches",
        "bleu",
    ],
    "11_gpt": ["gpt_loss", "GPT", "gpt2_parameters", "initial_weights", "bigram_loss", "bits_per_byte"],
    "12_sampling": [
        "apply_temperature",
        "sample",
        "generate",
        "top_k",
        "top_p",
        "min_p",
        "repetition_penalty",
    ],
    "13_kv_cache": ["KeyValueCache", "cached_attention", "prefill_mask", "read_on", "pad_left", "fit_context"],
}


class CheckFailed(Exception):
    """A wrong answer. Jupyter and IPython show its message and no traceback."""

    def __init__(self, name: str, message: str):
        super().__init__(f"✗ {name}: {message}")

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def notebook_of(name: str) -> str:
    """The stem of the notebook that holds an exercise: "attention" -> "04_self_attention"."""
    for notebook, names in NOTEBOOKS.items():
        if name in names:
            return notebook
    raise ValueError(f"there is no exercise named {name!r}")


def exercise(name: str):
    """The Exercise of that name. Imports only the checks of its notebook."""
    module = importlib.import_module(f"lib.checks.{notebook_of(name)[3:]}")
    return getattr(module, name)


def check(name: str):
    """Judge the caller's `name` and say so in one line; return the learner's version, or the course's if unwritten.

    ✓ the learner's is right; ○ not written yet, the course's is returned; ✗ raises CheckFailed with the mistake.
    """
    asked = exercise(name)
    answer = sys._getframe(1).f_globals.get(name, asked.reference)
    if answer is asked.reference:  # the cell was never run, or an earlier check put the course's version here
        say(f"○ {name}: nothing of yours to check yet: run your cell. The notebook goes on with the course's version.")
        return asked.reference
    verdict = asked.judge(answer)
    if verdict.status == "wrong":
        raise CheckFailed(name, verdict.message)
    if verdict.status == "unwritten":
        say(f"○ {name}: not written yet. The notebook goes on with the course's version.")
        return asked.reference
    say(f"✓ {name}")
    return answer


def say(line: str) -> None:
    """Print past a `print` that the learner may have redefined."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
