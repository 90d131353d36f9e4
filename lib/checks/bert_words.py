"""Checks of notebook 16, first part: words in pieces, and words that are hidden."""

import torch

from lib import bert
from lib import wordpiece as pieces_of
from lib.checks.core import Exercise, edit
from lib.checks.probing import single_calls
from lib.checks.running import Problem
from lib.transformer import IGNORED

SECONDS = 3  # a word is cut in microseconds; where nothing fits, a loop that is wrong never ends
wordpiece = Exercise(pieces_of.wordpiece, seconds=SECONDS)
mask_words = Exercise(bert.mask_words, returns=("inputs", "targets"))


# -------------------------------------------------------------------------------------------------------- wordpiece

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _as_in_bert():
    """Pieces to ids: all letters, pairs of them, and three after a vowel. Those of an "a" and two others have id 0."""
    pairs = [one + other for one in LETTERS for other in LETTERS]
    pieces = [*LETTERS, *pairs, *(vowel + pair for vowel in "aeiou" for pair in pairs)]
    ids = {piece: i for i, piece in enumerate([*pieces, *("##" + piece for piece in pieces)])}
    return {piece: 0 if len(piece) == 3 and piece[0] == "a" else i for piece, i in ids.items()}


def _letters(n, rng):
    return "".join(LETTERS[i] for i in torch.randint(26, (n,), generator=rng).tolist())


single_calls(
    wordpiece,
    {
        "'embeddings' and the pieces em, ##bed, ##ding, ##s": lambda rng: (
            "embeddings",
            {"em", "##bed", "##ding", "##s"},
        ),
        "'playing' and a list: p, play, playing, ##ing, ##i": lambda rng: (
            "playing",
            ["p", "play", "playing", "##ing", "##i", "##n", "##g", "##l", "##a", "##y"],
        ),
        "'cats' and the pieces cat, dog: nothing fits at the end": lambda rng: ("cats", {"cat", "dog", "##at"}),
        "'cats' and the pieces ##c, ##a, ##t, ##s, at: nothing fits at the beginning": lambda rng: (
            "cats",
            {"##c", "##a", "##t", "##s", "at"},
        ),
        "'playing' and the pieces play, ing, and its letters: nothing fits after play": lambda rng: (
            "playing",
            ["play", "ing", *"playing", "##p"],  # as many as in the list before
        ),
        "'undone' and the pieces un, und, ##o, ##ne, ##done": lambda rng: (
            "undone",
            ["un", "und", "##o", "##ne", "##done"],
        ),
        "'abc' and the pieces a, ab, ##bc": lambda rng: ("abc", {"a", "ab", "##bc"}),
        "'cdabcd', where ab and cd come twice": lambda rng: ("cdabcd", {"cd", "##cd", "##ab", "##a", "ab"}),
        "'USé' and the pieces US, ##é": lambda rng: ("USé", {"US", "##é"}),
        "'?', a sign": lambda rng: ("?", ["?", "##?"]),
        "a word of 100 letters a, the pieces aa and ##aaa": lambda rng: (100 * "a", {"aa", "##aaa", "##aa"}),
        "a word of 80 letters é, which are 160 bytes, the pieces éé and ##éé": lambda rng: (80 * "é", {"éé", "##éé"}),
        "'c#' and the pieces c, #, ##c, ###": lambda rng: ("c#", ["c", "#", "##c", "###"]),
        "a word of 101 letters a, which is a piece itself": lambda rng: (101 * "a", {101 * "a", "a", "##a"}),
        "a piece of 97 letters, as names of chemicals have": lambda rng: (
            97 * "b" + "cc",
            {97 * "b", "##cc", "b", "##b"},
        ),
        "a word of 24 letters and a dict of 8,164 pieces to their ids, from 0 on": lambda rng: (
            "a" + _letters(23, rng),
            _as_in_bert(),
        ),
    },
)

_EACH, _MARK = "range(len(word), start, -1)", '("##" if start else "") + '
_NONE, _FOUND = "        else:\n            return [UNKNOWN]", "found.append(piece)"
_PIECE = "piece = " + _MARK + "word[start:end]"
_LONG = "    if len(word) > LONGEST_WORD:\n        return [UNKNOWN]\n"

# fmt: off
wordpiece.mistakes(
    shortest=("the shortest piece is taken: try the longest first.",
        edit(_EACH, "range(start + 1, len(word) + 1)")),
    whole_word_left_out=("the whole rest is never tried: the first end is len(word), since word[start:end] stops "
        "before `end`.", edit(_EACH, "range(len(word) - 1, start, -1)")),
    no_marks=('pieces that go on inside a word are looked up without "##".', edit(_MARK, "")),
    always_marked=('the first piece of a word is looked up with "##": only those after it begin so.',
        edit(_MARK, '"##" + ')),
    marks_lost=('the "##" is lost: it belongs to the piece.', edit(_FOUND, "found.append(word[start:end])")),
    either=("inside a word only pieces with ## fit, at its beginning only those without.",
        edit("if piece in pieces:", "if piece in pieces or word[start:end] in pieces:"),
        edit("if piece in pieces:",
             'piece = piece if piece in pieces else word[start:end]\n            if piece in pieces:'),
        edit("if piece in pieces:", 'if piece in pieces or "##" + word[start:end] in pieces:')),
    marked_at_the_beginning=("at the beginning of a word a piece with ## does not fit.",
        edit("if piece in pieces:",
             'piece = piece if piece in pieces else "##" + word[start:end]\n            if piece in pieces:')),
    keeps_the_beginning=('where no piece fits, the whole word is ["[UNK]"]; drop what was found before.',
        edit(_NONE, "        else:\n            return [*found, UNKNOWN]"),
        edit(_NONE, "        else:\n            return found or [UNKNOWN]")),
    goes_on=('where no piece fits, the whole word is ["[UNK]"], not this one letter.',
        edit(_NONE, "        else:\n            piece = UNKNOWN\n            end = start + 1")),
    skips=('a letter that fits no piece is left out: the whole word is ["[UNK]"] then.',
        edit(_NONE, "        else:\n            start += 1\n            continue")),
    makes_pieces=('what fits no piece becomes one: the whole word is ["[UNK]"] then.',
        edit(_NONE, "        else:\n            end = len(word)\n            piece = word[start:end]"),
        edit(_NONE, "        else:\n            end = len(word)\n            " + _PIECE),
        edit(_NONE, "        else:\n            end = start + 1\n            " + _PIECE)),
    nothing=('where no piece fits, there is one piece, "[UNK]".', edit(_NONE, "        else:\n            return []")),
    an_error=('where no piece fits, no error is asked for: the word is ["[UNK]"].',
        edit(_NONE, "        else:\n            raise ValueError(word)"),
        edit(_NONE, "        else:\n            raise KeyError(word)")),
    bare=("the result is a list, also where it holds [UNK] alone.", edit("[UNKNOWN]", "UNKNOWN")),
    only_the_first=("only the first piece is returned: go on with the rest of the word.",
        edit("start = end", "break")),
    text=("the result is a list of pieces, not a text.", edit("return found", 'return " ".join(found)')),
    from_right_to_left=("the pieces stand from left to right.", edit(_FOUND, "found.insert(0, piece)")),
    no_limit=("a word of more than 100 characters is [UNK], whatever pieces fit.", edit(_LONG, "")),
    limit_off_by_one=("a word of exactly 100 characters is still cut: only longer ones are [UNK].",
        edit("> LONGEST_WORD", ">= LONGEST_WORD")),
    cut_short=("a word of more than 100 characters is not cut short, it is [UNK] as a whole.",
        edit("        return [UNKNOWN]\n    found", "        word = word[:LONGEST_WORD]\n    found")),
    small_letters=("the word is changed to small letters: `basic_tokens` does that, here it is taken as it is.",
        edit("    found, start", "    word = word.lower()\n    found, start")),
    only_dicts=("`pieces` may be a set or a list too: ask with `in`.",
        edit("if piece in pieces:", "if pieces.get(piece) is not None:"),
        edit("if piece in pieces:", "if piece in pieces.keys():")),
    id_0_lost=("a piece whose id is 0 is there too: ask with `in`.",
        edit("if piece in pieces:", "if piece in pieces and (not isinstance(pieces, dict) or pieces[piece]):")),
)
# fmt: on


@wordpiece.mistake("the longest piece at the end is taken first: WordPiece goes from left to right.")
def from_the_end(word, pieces):
    found, end = [], len(word)
    while end and len(word) <= 100:
        fitting = [i for i in range(end) if ("##" if i else "") + word[i:end] in pieces]
        if not fitting:
            break
        found.insert(0, ("##" if fitting[0] else "") + word[fitting[0] : end])
        end = fitting[0]
    return ["[UNK]"] if end else found


@wordpiece.mistake(
    "it goes back and tries a shorter piece: WordPiece never takes a piece back, the word is [UNK] then."
)
def goes_back(word, pieces, start=0, dead=None):
    dead = set() if dead is None else dead
    for end in range(len(word), start, -1) if len(word) <= 100 else ():
        piece = ("##" if start else "") + word[start:end]
        if piece in pieces and end not in dead:
            if end == len(word):
                return [piece]
            rest = goes_back(word, pieces, end, dead)
            if rest != ["[UNK]"]:
                return [piece, *rest]
            dead.add(end)
    return ["[UNK]"]


@wordpiece.mistake("the fewest pieces are taken: WordPiece takes the longest one that fits, at each place.")
def fewest(word, pieces):
    best = [[]] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(end):
            piece = ("##" if start else "") + word[start:end]
            better = best[start] is not None and (best[end] is None or len(best[start]) + 1 < len(best[end]))
            if better and piece in pieces:
                best[end] = [*best[start], piece]
    return best[-1] if best[-1] and len(word) <= 100 else ["[UNK]"]


# ------------------------------------------------------------------------------------------------------- mask_words

SPECIAL, MASK_ID, VOCAB = (0, 101, 102), 103, 30_522  # as in BERT: [PAD], [CLS], [SEP]; [MASK]
WHERE = "position", "text"  # what a sum over axis 0, and over axis 1, is of
SURE = 6.2  # standard deviations: an honest answer is off by so much once in a billion times


def _words(*shape, rng):
    """Ids that are not special, from the middle of BERT's vocabulary."""
    return torch.randint(15_000, 16_000, shape, generator=rng)


def _hidden(answer, *arguments):
    """Inputs and targets; a Problem where they are no ids of the shape that was given."""
    given, made = arguments[0], answer(*arguments)
    if not isinstance(made, tuple | list) or len(made) != 2:
        raise Problem("not two", "two tensors are asked for: inputs, targets.")
    for name, part in zip(("inputs", "targets"), made, strict=True):
        if not isinstance(part, torch.Tensor) or part.shape != given.shape or part.dtype != torch.int64:
            raise Problem(f"other {name}", f"{name} are to be int64 ids of shape {tuple(given.shape)}, as ids are.")
    return made


def _about(share) -> int:
    """A share in whole 5 of 100, which chance does not move: the probes draw words enough."""
    return 5 * round(20 * float(share))


def _nearest(share) -> int:
    """The same for shares that are given often: 18 of 100 stay where half of the rest is taken for a tenth of it."""
    return min((0, 5, 10, 15, 18, *range(20, 101, 10)), key=lambda known: abs(100 * float(share) - known))


@mask_words.probe("share=0: nothing is chosen")
def _(answer, rng):
    return answer(_words(2, 5, rng=rng), SPECIAL, MASK_ID, VOCAB, rng, 0.0)


@mask_words.probe("one text of [CLS], [SEP] and padding alone, share=1: nothing may be chosen")
def _(answer, rng):
    return answer(torch.tensor([[101, 102, 0, 0, 0]]), set(SPECIAL), MASK_ID, VOCAB, rng, 1.0)


@mask_words.probe("share=1: the targets are all words, and special ones stay as they are", varied=False)
def _(answer, rng):
    ids = _words(3, 300, rng=rng)
    ids[:, 0], ids[:, -1], ids[1:, 200], ids[1:, 201:] = 101, 102, 102, 0
    inputs, targets = _hidden(answer, ids, list(SPECIAL), MASK_ID, VOCAB, rng, 1.0)
    return {"targets": targets, "inputs where the ids are special": inputs[targets == IGNORED]}


@mask_words.probe("only id 10 is special, and 0 is a word as any other, share=1", varied=False)
def _(answer, rng):
    return {"targets": _hidden(answer, torch.arange(10).view(2, 5), (10,), 10, 11, rng, 1.0)[1]}


@mask_words.probe("a text in which [MASK] itself stands, and is not special, share=1", varied=False)
def _(answer, rng):
    ids = _words(2, 5, rng=rng)
    ids[:, 3] = MASK_ID
    return {"targets": _hidden(answer, ids, SPECIAL, MASK_ID, VOCAB, rng, 1.0)[1]}


@mask_words.probe("83 texts of 100 words, share as it is by default", varied=False)
def _(answer, rng):
    ids = _words(83, 100, rng=rng)
    inputs, targets = _hidden(answer, ids, SPECIAL, MASK_ID, VOCAB, rng)
    chosen = targets != IGNORED
    found = {
        "how many words of 100 have a target": _about(chosen.float().mean()),
        "targets that are another word than the one in ids": int((chosen & (targets != ids)).sum()),
        "words without a target that were changed": int((~chosen & (inputs != ids)).sum()),
    }
    if chosen.any() and not chosen.all():
        _by_itself(chosen)
    return found


def _by_itself(chosen):
    """A Problem where words are not chosen each by itself, with whatever probability."""
    share = chosen.float().mean()
    off = {where: _spread(chosen.sum(axis), chosen.shape[axis], share) for axis, where in enumerate(WHERE)}
    for where in WHERE:
        if off[where] > SURE:
            raise Problem(
                f"{where} together",
                f"the words of one {where} are chosen together: some have far too many, others far too few.",
            )
    for where in WHERE:
        if off[where] < -SURE:
            raise Problem(
                "always so many",
                f"every {where} has (nearly) the same number of chosen words: each is to be chosen by itself, with "
                "probability `share`, so the number varies.",
            )
    pairs = (chosen[:, 1:] & chosen[:, :-1]).float().mean() / share**2
    if not 0.3 < pairs < 1.7:
        raise Problem("neighbours", "whether a word is chosen depends on its neighbour: each is chosen by itself.")


def _spread(counts, n, share) -> float:
    """How far the spread of counts is off that of n independent choices, in standard deviations (Wilson, Hilferty)."""
    statistic = ((counts - n * share) ** 2).sum() / (n * share * (1 - share))
    freedom = len(counts)
    return float(((statistic / freedom) ** (1 / 3) - 1 + 2 / (9 * freedom)) / (2 / (9 * freedom)) ** 0.5)


@mask_words.probe("83 texts of 300 words, share=0.8: what becomes of those that were chosen", varied=False)
def _(answer, rng):
    ids = _words(83, 300, rng=rng)
    inputs, targets = _hidden(answer, ids, SPECIAL, MASK_ID, VOCAB, rng, 0.8)
    chosen = targets != IGNORED
    became = {"[MASK]": inputs == MASK_ID, "as they were": inputs == ids}
    became["another word"] = ~became["[MASK]"] & ~became["as they were"]
    total = chosen.sum().clamp(min=1)
    found = {f"of 100 chosen words, {name}": _nearest((part & chosen).sum() / total) for name, part in became.items()}
    if not (chosen & became["another word"]).any():
        found["of 100 chosen words, another word"] = "none at all"
    if list(found.values()) == [80, 10, 10]:
        _thrown_apart(inputs, chosen & became["[MASK]"], chosen, chosen & became["another word"])
    return found


def _thrown_apart(inputs, masked, chosen, another):
    """A Problem where what becomes of a word is not its own chance, or the other words are not any words."""
    for axis, where in enumerate(WHERE):
        off = (masked.sum(axis) - 0.8 * chosen.sum(axis)) / (0.16 * chosen.sum(axis)).sqrt()
        if off.abs().max() > SURE + 2:  # a few chosen words are not quite normal
            raise Problem(
                f"one die a {where}", f"one random number serves all words of a {where}: throw one for each word."
            )
        first, second = inputs.narrow(axis, 1, inputs.shape[axis] - 1), inputs.narrow(axis, 0, inputs.shape[axis] - 1)
        both = another.narrow(axis, 1, len(first) if axis == 0 else first.shape[1])
        both = both & another.narrow(axis, 0, both.shape[axis])
        if both.any() and (first == second)[both].float().mean() > 0.5:
            raise Problem("one word for all", "all get the same random word: draw one for each.")
    drawn = inputs[another]
    if drawn.min() >= 15_000 and drawn.max() < 16_000:
        raise Problem("words of the text", "the random words are all from these texts: draw from the whole vocabulary.")
    if drawn.min() < 0 or drawn.max() >= VOCAB or drawn.min() > VOCAB // 9 or drawn.max() < VOCAB - VOCAB // 9:
        raise Problem(
            "another range", f"the random words are ids from {drawn.min()} to {drawn.max()}; from 0 to {VOCAB - 1}."
        )


@mask_words.probe("a vocabulary of two, a word and [MASK], and 8,000 words, all of them chosen", varied=False)
def _(answer, rng):
    found = {}
    for mask_id in 0, 1:  # half of the random words are [MASK]
        ids = torch.full((80, 100), 1 - mask_id)
        inputs, _ = _hidden(answer, ids, [mask_id], mask_id, 2, rng, 1.0)
        name = f"of 100 words, those that are [MASK] with id {mask_id} (80, and half of the 10 random words)"
        found |= {name: _about((inputs == mask_id).float().mean()), "the largest id": int(inputs.max())}
    return found


@mask_words.probe("the same state of the generator twice, then another one", varied=False)
def _(answer, rng):
    ids = _words(23, 29, rng=rng)

    def hidden(generator):
        return torch.stack(list(_hidden(answer, ids, SPECIAL, MASK_ID, VOCAB, generator, 0.5)))

    def state(seed):
        return torch.Generator().manual_seed(seed)

    def compared(one, other):
        return "the same" if torch.equal(one, other) else "not the same"

    torch.manual_seed(5)
    before, generator = torch.get_rng_state(), state(1)
    first, second = hidden(generator), hidden(generator)
    return {
        "inputs and targets from one state": compared(first, hidden(state(1))),
        "inputs and targets from another state": compared(first, hidden(state(2))),
        "a second call with one generator": compared(first, second),
        "the global generator": "left alone" if torch.equal(before, torch.get_rng_state()) else "used",
    }


@mask_words.probe("no id is special, share=0: nothing is chosen")
def _(answer, rng):
    return answer(_words(2, 5, rng=rng), [], MASK_ID, VOCAB, rng, 0.0)


@mask_words.probe("60 texts of 20 words, one by one, share=0.5: how many are chosen of each", varied=False)
def _(answer, rng):
    counts = {int((answer(_words(1, 20, rng=rng), SPECIAL, MASK_ID, VOCAB, rng, 0.5)[1] >= 0).sum()) for _ in range(60)}
    if len(counts) == 1:
        raise Problem(
            "always so many",
            "every text has the same number of chosen words: each is to be chosen by itself, with probability `share`, "
            "so the number varies.",
        )
    return None


_ALLOWED = "~torch.isin(ids, torch.tensor(list(special), dtype=ids.dtype))"
_CHOSEN = "(torch.rand(ids.shape, generator=generator) < share)"
_DICE, _ANY = (
    "dice = torch.rand(ids.shape, generator=generator)",
    "torch.randint(vocab, ids.shape, generator=generator)",
)
_MASKED, _OTHERS = "ids.masked_fill(chosen & (dice < 0.8), mask_id)", "chosen & (dice >= 0.9)"
_TARGETS = "ids.masked_fill(~chosen, IGNORED)"

# fmt: off
mask_words.mistakes(
    all_targets=("every word is a target here; only those that were chosen should be, IGNORED stands everywhere else.",
        edit(_TARGETS, "ids.clone()")),
    targets_of_the_masked=("targets are missing where a chosen word stays or becomes another: these are guessed too.",
        edit(_TARGETS, "ids.masked_fill(inputs != mask_id, IGNORED)")),
    targets_of_the_changed=("targets are missing where a chosen word stays as it is: it is to be guessed too.",
        edit(_TARGETS, "ids.masked_fill(inputs == ids, IGNORED)")),
    targets_from_inputs=("the targets are what stands in the inputs: they are the right words, those of ids.",
        edit(_TARGETS, "inputs.masked_fill(~chosen, IGNORED)")),
    targets_turned=("targets stand where nothing was chosen, and the chosen words have none.",
        edit(_TARGETS, "ids.masked_fill(chosen, IGNORED)")),
    other_sign=("where no word was chosen the target is IGNORED, -100.",
        edit(_TARGETS, "ids.masked_fill(~chosen, 0)"), edit(_TARGETS, "ids.masked_fill(~chosen, -1)")),
    mask_as_target=("the target is the word that was hidden, not where it was hidden.",
        edit(_TARGETS, "chosen.long()"), edit(_TARGETS, "chosen")),
    special_too=("special ids are chosen too: [PAD], [CLS] and [SEP] have nothing to be guessed.",
        edit(_ALLOWED, "torch.ones_like(ids, dtype=torch.bool)")),
    only_padding_left_out=("only id 0 is left out: leave out all ids in `special`.", edit(_ALLOWED, "(ids != 0)")),
    padding_always=("id 0 is left out though it is not in `special`: only what stands there is.",
        edit(_ALLOWED, f"{_ALLOWED} & (ids != 0)")),
    first_special_only=("only one of the special ids is left out: leave out all of them.",
        edit("list(special)", "list(special)[:1]")),
    special_alone=("the special ids are the ones that are chosen: it is the other way round.",
        edit("~torch.isin", "torch.isin")),
    all_masked=("all chosen words become [MASK]: 10% become any word, and 10% stay.",
        edit("(dice < 0.8)", "(dice < 2)", "(dice >= 0.9)", "(dice > 2)")),
    none_stay=("none of the chosen words stays as it is: 10% do.", edit("(dice >= 0.9)", "(dice >= 0.8)"),
        edit("(dice < 0.8)", "(dice < 0.9)")),
    no_words=("no chosen word becomes another one: 10% do.", edit("(dice >= 0.9)", "(dice > 2)")),
    nested=("of the 20% that are not masked, 10% become another word: half of them do (10% of all).",
        edit("(dice >= 0.9)", "(dice >= 0.98)")),
    one_half_too_few=("5% become another word: 10% of all chosen do.", edit("(dice >= 0.9)", "(dice >= 0.95)")),
    turned=("[MASK] and another word have changed places: 80% become [MASK], 10% another word.",
        edit(_MASKED, "torch.where(chosen & (dice < 0.8), any_word, ids)",
             "torch.where(chosen & (dice >= 0.9), any_word, inputs)",
             "inputs.masked_fill(chosen & (dice >= 0.9), mask_id)")),
    eighty_stay=("80% of the chosen words stay: 80% become [MASK].", edit("dice < 0.8", "dice < 0.1"),
        edit("dice < 0.8", "(dice > 0.8) & (dice < 0.9)")),
    everywhere=("words that were not chosen are replaced; only the chosen ones should be.",
        edit(_MASKED, "ids.masked_fill(dice < 0.8, mask_id)"), edit("chosen & (dice >= 0.9)", "(dice >= 0.9)"),
        edit("chosen & (dice", "allowed & (dice")),
    same_dice=("the number that chooses a word also says what becomes of it: throw a second one.",
        edit("(torch.rand(ids.shape, generator=generator) < share)", "(dice < share)",
             _DICE + "\n", "\n", "    allowed =", f"    {_DICE}\n    allowed =")),
    one_word=("one random word serves all: draw one for each.",
        edit(_ANY, "torch.randint(vocab, (1,), generator=generator)"),
        edit(_ANY, "torch.randint(vocab, (len(ids), 1), generator=generator)"),
        edit(_ANY, "torch.randint(vocab, (1, ids.shape[1]), generator=generator)")),
    words_of_the_text=("the random words are taken from the texts: each id below `vocab` is equally likely.",
        edit(_ANY, "ids.flatten()[torch.randperm(ids.numel(), generator=generator)].view(ids.shape)")),
    range_off_by_one=("random words are ids from 0 to vocab - 1, each equally likely.",
        edit("torch.randint(vocab,", "torch.randint(vocab - 1,"),
        edit("torch.randint(vocab,", "torch.randint(1, vocab,"),
        edit("torch.randint(vocab,", "torch.randint(vocab + 1,")),
    never_the_same=("a random word is never the one that stood there: it may be, each id is equally likely.",
        edit(_ANY, "(ids + torch.randint(1, vocab, ids.shape, generator=generator)) % vocab")),
    one_die_a_text=("one random number serves a whole text, or one position of all: throw one for each word.",
        edit(_DICE, "dice = torch.rand(len(ids), 1, generator=generator)"),
        edit(_DICE, "dice = torch.rand(1, ids.shape[1], generator=generator)"),
        edit(_DICE, "dice = torch.rand(ids.shape[1], generator=generator)"),
        edit(_DICE, "dice = torch.rand(1, generator=generator)")),
    one_choice_for_all=("all texts have their chosen words at the same places: choose for each word by itself.",
        edit(_CHOSEN, "(torch.rand(ids.shape[1], generator=generator) < share)")),
    texts_as_a_whole=("a text is chosen as a whole: choose each word by itself.",
        edit(_CHOSEN, "(torch.rand(len(ids), 1, generator=generator) < share)")),
    exactly_so_many=("each text has the same number of chosen words: `share` says how likely each one is, by itself.",
        edit(_CHOSEN, "(torch.rand(ids.shape, generator=generator).argsort(dim=-1).argsort(dim=-1) "
             "< round(share * ids.shape[1]))")),
    at_least_one=("a text in which nothing was chosen is given a target all the same: none is asked for.",
        edit(f"allowed & {_CHOSEN}",
             "allowed & ((row := torch.rand(ids.shape, generator=generator)) < "
             "row.masked_fill(~allowed, 2).amin(1, keepdim=True).add(1e-6).clamp(min=share))")),
    spans=("words are chosen in groups of neighbours: each by itself is asked for.",
        edit(_CHOSEN, "(torch.rand(len(ids), (ids.shape[1] + 1) // 2, generator=generator)"
             ".repeat_interleave(2, dim=1)[:, : ids.shape[1]] < share)")),
    share_turned=("`share` is the share of the words that are left alone: it is that of the chosen ones.",
        edit("< share", ">= share")),
    fixed_share=("`share` is not used: 15% is only what it is by default.", edit("< share", "< 0.15")),
    global_dice=("the generator is not used everywhere: pass it on each time (generator=generator).",
        edit(_CHOSEN, "(torch.rand(ids.shape) < share)"), edit(_DICE, "dice = torch.rand(ids.shape)"),
        edit(_ANY, "torch.randint(vocab, ids.shape)"), edit(", generator=generator", "")),
    own_seed=("a generator made inside throws the same dice at every call: use the one that is given.",
        edit("    allowed =", "    generator = torch.Generator().manual_seed(0)\n    allowed =")),
    stands_still=("a second call throws the same dice: draw with the generator itself, so that it goes on.",
        edit("    allowed =", "    generator = torch.Generator().manual_seed(generator.initial_seed())\n    allowed ="),
        edit("    allowed =", "    generator = generator.clone_state()\n    allowed =")),
    in_place=("your code changes ids: they are still needed, as the right words. Fill a copy (clone).",
        edit("inputs = ids.masked_fill(chosen & (dice < 0.8), mask_id)",
             "targets = ids.masked_fill(~chosen, IGNORED)\n"
             "    inputs = ids.masked_fill_(chosen & (dice < 0.8), mask_id)",
             "return inputs, " + _TARGETS, "return inputs, targets"),
        edit(_MASKED, "ids.masked_fill_(chosen & (dice < 0.8), mask_id)")),
    not_whole=("the inputs are to be ids, int64.", edit("return inputs,", "return inputs.float(),")),
    mask_id_lost=("[MASK] has the id that is given, `mask_id`.", edit(", mask_id)", ", 103)"),
        edit(", mask_id)", ", 4)")),
)
# fmt: on
