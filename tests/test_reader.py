"""A reader: places lead back into the text, nothing outside the passage can be the answer, overlap is counted right."""

import math
import random
from functools import partial

import torch

from lib.bert import Bert
from lib.corpora.tiny_worlds import ONE, WORLD_WORDS, world_questions
from lib.layers import fresh_weights
from lib.reader import Reader, WordRarity, answer, exact_matches, read, reader_batch, reader_loss, sentence_places
from lib.spans import token_span
from lib.training import train
from lib.wordpiece import SPECIAL, WordPieceTokenizer

TEXT = 'In 1923 Dr. Éva Kovács moved to Győr. She taught "algebra" there! It was cold.'
TOKENIZER = WordPieceTokenizer([*SPECIAL, *"abcdefghijklmnopqrstuvwxyz0123456789.!?", *map("##{}".format, "abcdefghi")]
                               + [f"##{sign}" for sign in "jklmnopqrstuvwxyz0123456789"] + ["eva", "cold"])  # fmt: skip


def test_the_sentences_are_the_text():
    places = sentence_places(TEXT)
    assert "".join(TEXT[slice(*place)] for place in places) == TEXT
    assert TEXT[slice(*places[-1])] == "It was cold."
    assert sentence_places("") == [] and sentence_places("No end") == [(0, 6)]


def test_offsets_are_those_of_the_words_accents_or_not():
    places = sentence_places(TEXT)
    reading = read(TOKENIZER, "Who was cold?", TEXT, places, 200)
    words = {TEXT[slice(*place)] for place in reading.offsets if place != (0, 0)}
    assert {"Éva", "Kovács", "1923", "cold", '"', "."} <= words
    start = TEXT.index("Kovács moved")
    first, last = token_span(reading.offsets, start, start + 12)
    assert TEXT[reading.offsets[first][0] : reading.offsets[last][1]] == "Kovács moved"
    assert len(reading.ids) == len(reading.segments) == len(reading.offsets)
    assert reading.segments == sorted(reading.segments) and reading.ids[-1] == TOKENIZER.special["[SEP]"]


def test_a_cut_reading_ends_with_sep_and_lacks_the_rest():
    whole, cut = (read(TOKENIZER, "Who?", TEXT, sentence_places(TEXT), longest) for longest in (500, 23))
    assert len(cut.ids) == 23 and cut.ids[:22] == whole.ids[:22] and cut.ids[-1] == TOKENIZER.special["[SEP]"]
    assert token_span(cut.offsets, len(TEXT) - 5, len(TEXT)) == (0, 0)


def test_words_of_the_question_are_marked_in_the_passage():
    reading = read(TOKENIZER, "Was it cold?", TEXT, sentence_places(TEXT), 200)
    marked = exact_matches(reading)
    assert (marked.ids, marked.offsets) == (reading.ids, reading.offsets)
    places = {place for place, mark in zip(marked.offsets, marked.segments, strict=True) if mark}
    whole = {TEXT[slice(*place)] for place in places}
    assert {"It", "was", "cold"} <= whole and "." not in whole  # pieces of other words may be marked as well
    assert not any(mark for place, mark in zip(marked.offsets, marked.segments, strict=True) if place == (0, 0))


def test_rare_words_count_for_more():
    rarity = WordRarity([TEXT, "It was warm. It was late. Algebra was late."])
    assert math.isclose(rarity.shared("Was it cold?", "It was cold."), math.log(6 / 3) + math.log(6 / 4) + math.log(6))
    assert rarity.nearest("Who taught algebra?", TEXT, 1) == [sentence_places(TEXT)[-2]]
    assert rarity.nearest("Who taught algebra?", TEXT, 99) == sentence_places(TEXT)


def test_an_answer_is_a_piece_of_what_was_read():
    torch.manual_seed(0)
    reader = Reader(Bert(len(TOKENIZER), 12, 3, 1), torch.Generator().manual_seed(0)).eval()
    places = sentence_places(TEXT)[1:]
    for question in ("Who?", "What was cold?", "abc"):
        reading = read(TOKENIZER, question, TEXT, places, 100)
        said = answer(reader, reading, TEXT, longest=7)
        assert said and said in TEXT[places[0][0] :]
        assert answer(reader, reading, TEXT, margin=-math.inf) == ""
        starts, ends = reader(*reader_batch([reading]))
        allowed = torch.tensor([[i == 0 or place != (0, 0) for i, place in enumerate(reading.offsets)]])
        assert torch.equal(starts.isfinite(), allowed) and torch.equal(ends.isfinite(), allowed)


def test_padding_changes_no_score():
    torch.manual_seed(1)
    reader = Reader(Bert(len(TOKENIZER), 12, 3, 1), torch.Generator().manual_seed(0)).eval()
    readings = [read(TOKENIZER, "Who?", TEXT, sentence_places(TEXT)[i:], 100) for i in (0, 2)]
    alone, together = reader(*reader_batch(readings[1:])), reader(*reader_batch(readings))
    for one, both in zip(alone, together, strict=True):
        torch.testing.assert_close(both[1:, : one.shape[1]], one, rtol=1e-5, atol=1e-5)


def test_a_few_steps_teach_a_small_reader_where_answers_do_not_stand():
    pieces, dice = WordPieceTokenizer([*SPECIAL, *WORLD_WORDS]), torch.Generator().manual_seed(0)
    rows = []
    for one in world_questions(320, random.Random(0), [ONE]):
        reading = exact_matches(read(pieces, one.question, one.text, [(0, len(one.text))], 64))
        first, last = token_span(reading.offsets, one.start, one.start + len(one.answer))
        assert one.text[reading.offsets[first][0] : reading.offsets[last][1]] == one.answer
        rows.append((reading, first, last))
    reader = fresh_weights(Reader(Bert(len(pieces), 32, 4, 1, n_positions=64), dice), dice)
    losses = train(
        reader, partial(reader_loss, reader), (rows[i : i + 8] for i in range(0, 320, 8)), 40, 1e-2, 5, fused=True
    )
    assert losses[0] > 2.5 and sum(losses[-10:]) / 10 < losses[0] - 0.6
