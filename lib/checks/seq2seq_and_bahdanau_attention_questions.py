"""Questions of notebook 03: shapes, a bug, distances, a prediction, a plot, a price."""

import json

import torch
from torch.nn import functional

from lib import batching, seq2seq
from lib.checks.core import Question
from lib.corpora import files

__all__ = ["logits_shape", "reversed_lag", "same_rows", "tanh_count", "trained_longer", "unshifted"]


def _logits_shape():
    inputs, _, _ = batching.shift_right([[4] * 9] * 48)
    return (*inputs.shape, 500)


logits_shape = Question(
    "logits_shape",
    _logits_shape,
    "one row for each sentence, one step for each of 9 tokens and one for <EOS>, one number for each word. The "
    "source and the 64 numbers of the hidden state leave no trace in the shape.",
    "A row for each sentence; how many steps does the decoder take, and how many numbers come out of one step?",
    (
        ((48, 9, 500), "The decoder takes one step more: it has to write <EOS> as well."),
        ((48, 11, 500), "It hears <SOS> and the 9 tokens, and says the 9 tokens and <EOS>: how many steps are that?"),
        ((48, 12, 500), "12 is the length of the source. The decoder's steps are those of the target."),
        ((48, 13, 500), "The decoder's steps are those of the target, not of the source."),
        ((48, 10, 64), "These are the hidden states. The logits have one number for each word of the vocabulary."),
        ((48, 500), "That is one step. Teacher forcing gives all steps of the target."),
        ((10, 48, 500), "In this course the batch is the first axis."),
        ((48, 500, 10), "The words are the last axis."),
    ),
)


def _copying(ids, state):
    """A decoder that has learnt to say what it hears."""
    return functional.one_hot(ids, 10).float(), state, None


unshifted = Question(
    "unshifted",
    lambda: seq2seq.greedy_translate(_copying, (torch.zeros(1, 1),), 4)[0].tolist(),
    "it has learnt to say what it hears. It hears <SOS>, says <SOS>, hears that, and so on: the source does not "
    "matter. In training it was always told the answer. A loss that falls too fast is a sign of such a bug.",
    "What has it learnt to do with the token that it hears? What does it hear first, and what after that?",
    (
        ([1, 7, 8, 9], "These tokens came from the teacher. Now nobody tells it 7, 8 and 9: it hears its own words."),
        ([7, 8, 9, 2], "That is what a right decoder should write. This one has learnt something easier."),
        ([1, 2, 0, 0], "It was asked for <EOS> nowhere: no target of its training holds it."),
        ([2, 0, 0, 0], "It was asked for <EOS> nowhere: no target of its training holds it."),
        ([0, 0, 0, 0], "<PAD> is what a row writes that is done. Is this one ever done?"),
        (1, "That is the first one. It goes on to the limit."),
    ),
)


def _reversed_lag():
    # word j is read at step 21 - j, and its translation is written at step 20 + j
    lags = [(20 + j) - (21 - j) for j in range(1, 21)]
    return lags[0], sum(lags) / len(lags)


reversed_lag = Question(
    "reversed_lag",
    _reversed_lag,
    "the first word is read last, directly before its translation; the last one is read first and waits for 39 "
    "steps. Their mean is 20, the same as without reversing. What changes is that some of the ways are short: "
    "Sutskever et al. thought that training finds these first, and goes on from there.",
    "Read backwards, word 20 comes at step 1 and word 1 at step 20. The translations are written at the steps 21 "
    "to 40.",
    (
        ((20, 20), "That is so when the source is read forwards. Backwards, at which step is the first word read?"),
        ((1, 1), "The first is right. The last word is read at step 1 and its translation is written at step 40."),
        ((1, 10), "The first is right. The ways are 1, 3, 5 ... up to that of the last word: which one is that?"),
        ((1, 10.5), "The first is right. From one word to the next, the way grows by 2 steps."),
        ((0, 20), "The second is right. From step 20 to step 21, how many steps is that?"),
        ((0, 19), "From step 20 to step 21, how many steps is that?"),
        ((39, 20), "The second is right. 39 is the way of the last word."),
        ((20, 1), "First the way of the first word, then the mean."),
    ),
)


def _trained_longer():
    runs = json.loads(files.read("seq2seq_results.json"))["patience"].values()
    shares = [run["fixed vector"]["4800 steps, 64 numbers"]["right"]["20"] for run in runs]
    share = sum(shares) / len(shares)
    return "a" if share < 0.25 else "b" if share < 0.9 else "c"


trained_longer = Question(
    "trained_longer",
    _trained_longer,
    "the vector was not full: with more training the same 64 numbers carry far more of the sequence. The numbers "
    "are in the table that follows.",
    "Compare the bits in 20 symbols with those in the vector, and remember how hard it is to learn over many steps.",
    (
        ("a", "In that case 64 numbers would have no room for more. Compare the bits."),
        ("c", "Room there is, but to learn over so many steps is slow: eight times as many are not enough for that."),
    ),
)
same_rows = Question(
    "same_rows",
    lambda: "c",
    "without the tanh, v · (query + key) is v · query + v · key. The first part is the same number for all keys "
    "of a row, and a softmax does not see what is added to all its scores. So the query has no say in where to look.",
    "The rows do not depend on the query. Write the score without each of these parts: in which case does the "
    "query drop out?",
    (
        ("a", "Without a softmax a row would hardly sum to 1."),
        ("b", "Then the columns would sum to 1, and not the rows."),
        ("d", "Then a row would still change with its query, and look at padding."),
    ),
)


def _tanh_count():
    def count(source, target, d_attention=64):
        return target * source * d_attention

    return count(30, 32), count(300, 320) / count(30, 32)


tanh_count = Question(
    "tanh_count",
    _tanh_count,
    "each of 32 steps looks at 30 positions, with 64 numbers each: 61,440. Ten times as long on both sides is a "
    "hundred times as many: the cost of attention is quadratic in the length. An LSTM's cost is linear.",
    "At each step, every position of the source gets a score; how many numbers does the tanh squash for one score?",
    (
        ((30 * 32 * 64, 10), "The first is right. Both sentences grow: more steps, and more positions at each step."),
        ((30 * 32, 100), "That is the number of scores. Each of them needs the tanh of d_attention numbers."),
        ((30 * 31 * 64, 100), "32 tokens are written, <EOS> included: each is a step."),
        ((30 * 30 * 64, 100), "The source has 30 tokens, but 32 are written."),
        ((32 * 64, 10), "Every step looks at all 30 positions of the source."),
        ((30 * 64, 10), "That is one step. There are 32 of them."),
    ),
)
