"""What a learner gets told about an exercise: `attention = check("attention")`.

NOTEBOOKS    the one list of notebooks with their exercises and questions, in order
VERDICTS     what was last said of each: for the official check, which does not read what a notebook prints
check        judge the caller's function, class or value of that name; return what the notebook goes on with
exercise     the Exercise or Question of that name: its probes and mistakes stand in one module a notebook

Two environment variables: COURSE_SEED, from which the probes draw their random numbers (0), and COURSE_STRICT=1, under
which an exercise that is not written fails instead of being lent the course's version.
"""

import difflib
import importlib
import os
import sys
import textwrap

from lib.checks.clone import another_clone

NOTEBOOKS: dict[str, list[str]] = {
    "00_start_here": ["weighted_average", "needed_weights", "longer_text", "matrix_operations"],
    "01_rnn_limits": [
        "rnn_step",
        "run_rnn",
        "rnn_parameters",
        "next_character_loss",
        "blind_guess",
        "gradient_left",
        "gradient_by_distance",
        "cut_gradient",
        "clip_gradients",
        "lstm_step",
        "LSTM",
        "open_gate",
        "read_gate",
        "dependent_steps",
    ],
    "02_bag_of_words_and_word2vec": [
        "bag_of_words",
        "tf_idf",
        "quark_weight",
        "cosine_similarity",
        "skip_gram_pairs",
        "pairs_of_a_sentence",
        "dense_numbers",
        "softmax_price",
        "negative_sampling",
        "analogy",
        "drawn_ratio",
        "flat_training",
        "bank_neighbours",
    ],
    "03_seq2seq_and_bahdanau_attention": [
        "pad_batch",
        "shift_right",
        "logits_shape",
        "greedy_translate",
        "unshifted",
        "reversed_lag",
        "trained_longer",
        "masked_softmax",
        "additive_scores",
        "same_rows",
        "BahdanauDecoder",
        "tanh_count",
    ],
    "04_self_attention_by_hand": [
        "average_so_far",
        "score_gap",
        "stable_softmax",
        "simple_self_attention",
        "cat_weight",
        "attention",
        "weights_shape",
        "which_panel",
        "SelfAttention",
        "score_bytes",
        "attention_gradient",
    ],
    "05_multi_head_attention_and_masks": [
        "head_block",
        "split_heads",
        "join_heads",
        "causal_mask",
        "padding_mask",
        "allowed_pairs",
        "MultiHeadAttention",
        "future_leak",
        "leaking_line",
        "prefix_price",
        "crossover",
        "friends_curve",
        "late_sums",
    ],
    "06_positions": [
        "position_angles",
        "slow_clock",
        "sinusoidal_positions",
        "shift_matrix",
        "LearnedPositions",
        "position_parameters",
        "rotate",
        "rotary_score",
        "distance_penalty",
        "faded_weight",
    ],
    "07_the_transformer_block": [
        "eight_layers",
        "LayerNorm",
        "changed_outputs",
        "dropout",
        "dropout_square",
        "FeedForward",
        "PreNorm",
        "stream_sizes",
        "EncoderBlock",
        "noisy_line",
        "cross_weights_shape",
        "DecoderBlock",
        "parameter_counts",
        "decoder_share",
    ],
    "08_tokens": [
        "utf8_bytes",
        "pair_counts",
        "merge_pair",
        "learn_merges",
        "sixth_merge",
        "bpe_decode",
        "bpe_encode",
        "newer_pieces",
        "pre_tokenise",
        "line_pieces",
        "split_special",
        "larger_table",
        "best_prompt",
    ],
    "09_encoder_decoder_translation": [
        "Transformer",
        "next_word_step",
        "positions_computed",
        "padding_share",
        "smoothed_best",
        "adamw_step",
        "learning_rate",
        "noam_peak",
        "training_step",
        "alignment_accuracy",
    ],
    "10_search": [
        "found_by_two",
        "best_continuations",
        "log_probability",
        "tipping_alpha",
        "search_sentence",
        "beam_step",
        "reorder",
        "chosen_rows",
        "beam_search",
        "rivals",
        "exact_search",
        "counted_errors",
        "clipped_matches",
        "bleu",
        "quarter_missing",
    ],
    "11_gpt": [
        "text_perplexity",
        "gpt_loss",
        "predictions_made",
        "GPT",
        "gpt2_parameters",
        "gpt3_blocks",
        "initial_weights",
        "first_loss",
        "bigram_loss",
        "bits_per_byte",
        "equal_loss",
        "best_size",
        "buggy_runs",
    ],
    "12_sampling": [
        "apply_temperature",
        "flat_temperature",
        "sample",
        "generate",
        "tail_allowed",
        "coin_heads",
        "entropy",
        "top_k",
        "top_p",
        "min_p",
        "kept_tokens",
        "typical_kept",
        "left_after",
        "repetition_penalty",
        "penalised_share",
    ],
    "13_kv_cache": [
        "cached_attention",
        "positions_read",
        "pad_left",
        "true_position",
        "prefill_mask",
        "read_on",
        "KeyValueCache",
        "cache_size",
        "fit_context",
        "tokens_seen",
    ],
    "14_the_modern_decoder": [
        "RMSNorm",
        "normed_fives",
        "swiglu_width",
        "SwiGLU",
        "repeat_kv",
        "GroupedQueryAttention",
        "cache_bytes_saved",
        "sliding_window_mask",
        "window_reach",
        "LlamaBlock",
        "bits_a_weight",
        "unpack_q4_1",
    ],
    "15_more_for_the_same_work": [
        "online_softmax",
        "rescale_factor",
        "merge_tiles",
        "flash_attention",
        "skipped_tiles",
        "accepted_share",
        "residual",
        "accept",
        "speculative_step",
        "best_draft_length",
        "route",
        "dispatch",
        "load_balancing_loss",
        "even_and_uneven",
        "keep_within_capacity",
        "places_needed",
        "active_parameters",
        "experts_read",
        "mutual_information",
    ],
    "16_bert": [
        "wordpiece",
        "greedy_pieces",
        "BertEmbeddings",
        "copied_loss",
        "mask_words",
        "changed_places",
        "masked_loss",
        "block_parameters",
        "mean_pool",
        "BertClassifier",
    ],
    "17_t5": [
        "corrupt_spans",
        "target_length",
        "restore_spans",
        "relative_buckets",
        "far_bucket",
        "RelativeBias",
        "query_std",
        "biased_attention",
        "token_span",
        "best_spans",
        "candidate_spans",
        "answer_f1",
        "guessed_places",
    ],
    "18_vit": [
        "patches",
        "score_growth",
        "unpatch",
        "class_vectors",
        "interpolate_positions",
        "ViT",
        "vit_parameters",
        "larger_by",
        "attention_rollout",
        "rollout_share",
    ],
    "19_pretrained": [
        "runs_programs",
        "read_header",
        "first_byte",
        "tensor_at",
        "our_name",
        "must_fit",
        "drawn_at_random",
        "LoraLinear",
        "trainable_parameters",
        "lora_numbers",
    ],
    "20_an_assistant": [
        "answer_mask",
        "learnt_tokens",
        "sequence_log_probability",
        "dpo_loss",
        "lost_and_won",
        "group_advantages",
        "silent_groups",
        "clipped_cases",
        "grpo_loss",
        "find_call",
        "evaluate",
    ],
    "21_your_transformer": [
        "faster_by",
        "average_gradients",
        "joint_gradient",
        "ring_all_reduce",
        "ring_traffic",
        "zero_bytes",
        "waiting_share",
    ],
}


class CheckFailed(Exception):
    """A wrong answer, or under COURSE_STRICT one that is not written. Jupyter shows its message and no traceback."""

    def __init__(self, name: str, message: str):
        super().__init__(f"✗ {name}: {message}")

    def _render_traceback_(self) -> list[str]:
        return [wrapped(str(self))]


def notebook_of(name: str) -> str:
    """The stem of the notebook that holds an exercise: "attention" -> "04_self_attention"."""
    for notebook, names in NOTEBOOKS.items():
        if name in names:
            return notebook
    raise ValueError(f"there is no exercise named {name!r}")


def exercise(name: str):
    """The Exercise or Question of that name. Imports only the checks of its notebook."""
    module = importlib.import_module(f"lib.checks.{notebook_of(name)[3:]}")
    return getattr(module, name)


VERDICTS: dict = {}  # the name of an exercise to its last lib.checks.core.Verdict
_LENT: dict[str, object] = {}  # what was returned for exercises that were not written yet


def check(name: str):
    """Judge the caller's `name` and say so in a sentence; return the learner's version, or the course's if unwritten.

    ✓ the learner's is right; ○ not written yet, the course's is returned; ✗ raises CheckFailed with the mistake.
    """
    if elsewhere := another_clone():
        raise CheckFailed(name, elsewhere)
    asked, names = exercise(name), sys._getframe(1).f_globals
    try:
        verdict = VERDICTS[name] = _verdict(asked, name, names)
    except KeyboardInterrupt as interrupt:
        from lib.checks.running import own_line

        raise CheckFailed(name, f"interrupted while your code was running.{own_line(interrupt)}") from None
    unwritten = verdict.status == "unwritten"
    if verdict.status == "wrong" or (unwritten and os.environ.get("COURSE_STRICT") == "1"):
        raise CheckFailed(name, verdict.message or "not written yet.")
    if not unwritten:
        say(f"✓ {name}" + (f": {verdict.message}" if verdict.message else ""))
        return names[name]
    if not callable(asked.reference):  # a question: to lend its answer would be to give it away
        say(f"○ {name}: not answered yet.")
        return ...
    say(f"○ {name}: {verdict.message or 'not written yet'}. The notebook goes on with the course's version.")
    _LENT[name] = asked.reference
    return asked.reference


def _verdict(asked, name: str, names: dict):
    """What is to be said of `name` in the notebook whose global names these are."""
    from lib.checks.core import Verdict

    answer = names.get(name, asked.reference)
    if name in names and (answer is not asked.reference or not callable(answer)):
        return asked.judge(answer, seed=int(os.environ.get("COURSE_SEED", 0)))
    if not callable(asked.reference):
        return Verdict("unwritten")
    if name in names and _LENT.get(name) is not answer:
        where = f"{asked.reference.__module__}.{name}"
        return Verdict("wrong", f"this is the course's own {where}, imported: write yours.", "the course's own")
    own = [other for other, value in names.items() if getattr(value, "__module__", "") == "__main__"]
    if similar := difflib.get_close_matches(name, own, 1, 0.8):
        return Verdict("wrong", f"your cell defines `{similar[0]}`; the name asked for is `{name}`.", "name")
    return Verdict("unwritten", "nothing of yours to check yet: run your cell")


def say(line: str) -> None:
    """Print past a `print` that the learner may have redefined."""
    sys.stdout.write(wrapped(line) + "\n")
    sys.stdout.flush()


def wrapped(text: str) -> str:
    """In lines of at most 84 characters: JupyterLab may end a longer one in the middle of a word."""
    fill = textwrap.TextWrapper(84, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False).fill
    return "\n".join(map(fill, text.split("\n")))
