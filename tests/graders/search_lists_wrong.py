"""Wrong answers to notebook 10's beam search with lists, as people write them."""

from lib.batching import EOS
from lib.checks.core import edit
from tests.graders.cases import slips, wrong


def normalised(one, alpha):
    return one[1] / len(one[0]) ** alpha


@wrong("search_sentence", says="likeliest word only")
def greedy_only(log_probs_after, limit, beams=4, alpha=1.0):
    ids, total = [], 0.0
    while len(ids) < limit and EOS not in ids:
        log_probs = log_probs_after(ids)
        ids = [*ids, int(log_probs.argmax())]
        total += log_probs.max().item()
    return ids, total / len(ids) ** alpha


@wrong("search_sentence", says="return")
def forgets_to_return(log_probs_after, limit, beams=4, alpha=1.0):
    going = [([], 0.0)]
    for _ in range(limit):
        going = [
            ([*ids, word], score + p) for ids, score in going for word, p in enumerate(log_probs_after(ids).tolist())
        ]
        going = sorted(going, key=lambda one: -one[1])[:beams]
    max(going, key=lambda one: normalised(one, alpha))


@wrong("search_sentence", says="expected")
def an_ended_one_keeps_its_place(log_probs_after, limit, beams=4, alpha=1.0):
    """Complete sentences stay in the beam and compete with longer ones by their sums."""
    beam = [([], 0.0)]
    for _ in range(limit):
        found = []
        for ids, score in beam:
            if ids and ids[-1] == EOS:
                found.append((ids, score))
            else:
                found += [([*ids, word], score + p) for word, p in enumerate(log_probs_after(ids).tolist())]
        beam = sorted(found, key=lambda one: one[1], reverse=True)[:beams]
    ids, score = max(beam, key=lambda one: normalised(one, alpha))
    return ids, score / len(ids) ** alpha


@wrong("search_sentence", says="expected")
def best_of_the_last_step(log_probs_after, limit, beams=4, alpha=1.0):
    """What was complete before is forgotten."""
    going, complete = [([], 0.0)], []
    for length in range(1, limit + 1):
        found = sorted(
            (([*ids, w], s + p) for ids, s in going for w, p in enumerate(log_probs_after(ids).tolist())),
            key=lambda one: -one[1],
        )
        now = [one for one in found[:beams] if one[0][-1] == EOS or length == limit]
        complete = now or complete
        going = [one for one in found if one[0][-1] != EOS][:beams]
        if len(now) >= beams:
            break
    ids, score = max(complete, key=lambda one: normalised(one, alpha))
    return ids, score / len(ids) ** alpha


@wrong("search_sentence", says="expected")
def each_beginning_its_best(log_probs_after, limit, beams=4, alpha=1.0):
    """The beams never compete: each one goes on with its own likeliest word."""
    log_probs = log_probs_after([])
    values, words = log_probs.topk(min(beams, len(log_probs)))
    complete = []
    for score, word in zip(values.tolist(), words.tolist(), strict=True):
        ids = [word]
        while ids[-1] != EOS and len(ids) < limit:
            log_probs = log_probs_after(ids)
            score, ids = score + log_probs.max().item(), [*ids, int(log_probs.argmax())]
        complete.append((ids, score))
    ids, score = max(complete, key=lambda one: normalised(one, alpha))
    return ids, score / len(ids) ** alpha


@wrong("search_sentence")
def remembers_the_last_search(log_probs_after, limit, beams=4, alpha=1.0, complete=[]):  # noqa: B006
    going, first = [([], 0.0)], len(complete)
    for length in range(1, limit + 1):
        found = sorted(
            (([*ids, w], s + p) for ids, s in going for w, p in enumerate(log_probs_after(ids).tolist())),
            key=lambda one: -one[1],
        )
        complete += [one for one in found[:beams] if one[0][-1] == EOS or length == limit]
        going = [one for one in found if one[0][-1] != EOS][:beams]
        if len(complete) - first >= beams:
            break
    ids, score = max(complete, key=lambda one: normalised(one, alpha))
    return ids, score / len(ids) ** alpha


@wrong("search_sentence", says="expected 2 values")
def a_string(log_probs_after, limit, beams=4, alpha=1.0):
    return "the sentence"


BACK = "return ids, score / len(ids) ** alpha"
slips(
    "search_sentence",
    one_of_equal_scores_is_lost=(
        None,
        edit(
            "        found.sort",
            "        found = [(ids, score) for score, ids in {s: i for i, s in found}.items()]\n        found.sort",
        ),
    ),
    value_turned=("the value", edit(BACK, "return ids, -score / len(ids) ** alpha")),
    exchanged=("the ids", edit(BACK, "return score / len(ids) ** alpha, ids")),
    as_a_probability=("the value", edit(BACK, "return ids, 2.718281828 ** (score / len(ids) ** alpha)")),
    twice_the_beams=(None, edit("!= EOS][:beams]", "!= EOS][: 2 * beams]")),
    twice_complete=(None, edit("best = found[:beams]", "best = found[: 2 * beams]")),
    as_wu_divides=(
        None,
        edit(
            "/ len(one[0]) ** alpha",
            "/ ((5 + len(one[0])) / 6) ** alpha",
            "/ len(ids) ** alpha",
            "/ ((5 + len(ids)) / 6) ** alpha",
        ),
    ),
    always_four=(None, edit("[:beams]", "[:4]", ">= beams", ">= 4")),
    smallest=(None, edit("ids, score = max(", "ids, score = min(")),
    from_limit_down=(None, edit("length == limit]", "length == limit - 1]")),
    short_lists=("limit 300", edit("[*ids, word]", "[*ids, word][-256:]")),
    small_vocabulary=("a vocabulary of 600", edit("enumerate(log_probs)]", "enumerate(log_probs[:256])]")),
    hears_sos=("<SOS> in front", edit("log_probs_after(ids)", "log_probs_after([SOS] + ids)")),
    not_added=("score of its beginning", edit("score + log_prob)", "log_prob)")),
    first_wins=("wait for", edit("if len(complete) >= beams:", "if len(complete) > 0:")),
    one_candidate_more=(
        "three of four",
        edit("[one for one in found if one[0][-1] != EOS]", "[one for one in found[: beams + 1] if one[0][-1] != EOS]"),
    ),
    four_are_enough=(None, edit("len(complete) >= beams", "len(complete) >= min(beams, 4)")),
    at_most_32=("the least likely of 40", edit("!= EOS][:beams]", "!= EOS][: min(beams, 32)]")),
)
