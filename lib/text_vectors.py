"""Text as vectors: count the words, weigh the counts, or learn a vector for each word from its neighbours.

    bag_of_words, tf_idf    a text as counts of words; the same, rare words counting more           notebook 02
    cosine_similarity       how far two vectors point the same way, whatever their lengths          notebook 02
    skip_gram_pairs         which words stand near each other in a sentence                         notebook 02
    negative_sampling       loss and gradients of "is this a real neighbour or a drawn one?"        notebook 02
    word2vec                word vectors for a whole corpus, in blocks, without autograd            notebook 02
    nearest, analogy        which words are closest; king - man + woman                             notebook 02
    analogy_score           the share of analogies that come out right                              notebook 02

A text or a sentence is a list of words. `words` is the vocabulary, a list: row i of a table of vectors (vocab, d)
belongs to words[i]. The method is Mikolov et al. 2013, "Distributed representations of words and phrases and their
compositionality"; the shared draws and the step sizes by row are for speed and are explained where they stand.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import permutations

import torch
from torch import Tensor
from torch.nn import functional


def bag_of_words(texts: Collection[Sequence[str]], words: Sequence[str]) -> Tensor:
    """Count how often each word of the vocabulary stands in each text. Other words are not counted.

    texts: lists of words, any of which may be empty; a list of them, or the values of a dictionary
    words: the vocabulary

    Returns counts (text, vocab), float32.
    """
    number = {word: i for i, word in enumerate(words)}
    counts = torch.zeros(len(texts), len(words))
    for row, text in enumerate(texts):
        for word in text:
            if word in number:
                counts[row, number[word]] += 1
    return counts


def tf_idf(counts: Tensor) -> Tensor:
    """Weigh each count by how few texts have the word, then scale each row to length 1 (scikit-learn's variant).

    counts: (text, vocab), floats as from `bag_of_words`

    The weight of a word is ln((1 + texts) / (1 + texts that have it)) + 1. Returns (text, vocab). A text without words
    is one of the texts, and its row stays 0.
    """
    texts_with_word = (counts > 0).sum(dim=0)
    rarity = torch.log((1 + len(counts)) / (1 + texts_with_word)) + 1
    return functional.normalize(counts * rarity)  # each row


def cosine_similarity(a: Tensor, b: Tensor) -> Tensor:
    """The cosine of the angle between every row of a and every row of b: 1 the same way, 0 at right angles.

    a: (..., n, d)    b: (..., m, d)

    Returns (..., n, m). A row of zeros is similar to nothing: 0. The length of any other row does not matter.
    """
    return functional.normalize(a, dim=-1) @ functional.normalize(b, dim=-1).transpose(-2, -1)


def skip_gram_pairs(sentence: Sequence[str], window: int) -> list[tuple[str, str]]:
    """All pairs (centre, neighbour) at most `window` places apart, by the place of the centre, then of the neighbour.

    A place is never its own neighbour. Works for words and for their numbers.
    """
    pairs = []
    for place, centre in enumerate(sentence):
        for other in range(max(0, place - window), min(len(sentence), place + window + 1)):
            if other != place:
                pairs.append((centre, sentence[other]))
    return pairs


def negative_sampling(
    centre: Tensor, context: Tensor, label: Tensor, weight: Tensor | float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    """The loss of "is this word a real neighbour?" and its gradients by hand, without autograd.

    centre: (..., n, d)    context: (..., m, d)
    label: broadcastable to (..., n, m), 1 for a real neighbour, 0 for a drawn word
    weight: likewise, or a number: how much each pair counts

    The chance of "real" is sigmoid(centre · context); the loss sums -weight ln(chance of the label) over all pairs.
    Returns the loss, a 0-d tensor, and its gradients for centre (..., n, d) and context (..., m, d).
    """
    score = centre @ context.transpose(-2, -1)  # (..., n, m)
    loss = (weight * (functional.softplus(score) - label * score)).sum()
    error = weight * (torch.sigmoid(score) - label)  # (..., n, m)
    return loss, error @ context, error.transpose(-2, -1) @ centre


def nearest(vector: Tensor, vectors: Tensor, words: Sequence[str], n: int = 5) -> list[tuple[str, float]]:
    """The n words whose vectors point most nearly the way of `vector` (d,), best first, with their cosines."""
    similarity = cosine_similarity(vector[None], vectors).squeeze(0)
    best = similarity.topk(min(n, len(words)))
    return [(words[i], value) for i, value in zip(best.indices.tolist(), best.values.tolist(), strict=True)]


def analogy(a: str, b: str, c: str, vectors: Tensor, words: Sequence[str]) -> str:
    """a is to b as c is to what? The word nearest by cosine to b - a + c; the three given words are no answer.

    a, b, c: words, of which no two are equal
    vectors: (vocab, d), row i for words[i]; a row of zeros has the cosine 0    words: more than the given ones
    """
    given = [words.index(word) for word in (a, b, c)]
    va, vb, vc = vectors[given]
    similarity = cosine_similarity((vb - va + vc)[None], vectors).squeeze(0)
    similarity[given] = -torch.inf
    return words[similarity.argmax()]


def analogy_score(pairs: Sequence[tuple[str, str]], vectors: Tensor, words: Sequence[str]) -> float:
    """The share of right answers over all analogies that two of the pairs make; as `analogy`, but all at once."""
    number = {word: i for i, word in enumerate(words)}
    known = [(number[a], number[b]) for a, b in pairs if a in number and b in number]
    asked = torch.tensor([(a, b, c, d) for (a, b), (c, d) in permutations(known, 2)])
    if len(asked) == 0:
        raise ValueError(f"no two of the {len(pairs)} pairs stand in the vocabulary of {len(words)} words")
    a, b, c, d = asked.T
    similarity = cosine_similarity(vectors[b] - vectors[a] + vectors[c], vectors)
    similarity.scatter_(1, asked[:, :3], -torch.inf)
    return (similarity.argmax(dim=1) == d).double().mean().item()


# ---------------------------------------------------------------------------------------------- word2vec on a corpus

CENTRES = (
    16  # centres that stand next to each other share their neighbourhood and their drawn words: one matrix product
)
GROUPS = 128  # such groups in one step
LONGEST_STEP = 0.5  # how far one step may move one word


def word2vec(
    sentences: Sequence[Sequence[str]],
    generator: torch.Generator,
    d: int = 64,
    window: int = 5,
    drawn: int = 5,
    epochs: int = 5,
    rate: float = 0.15,
    least: int = 5,
    frequent: float = 1e-3,
) -> tuple[list[str], Tensor]:
    """Learn a vector for each word that stands at least `least` times in the sentences (skip-gram).

    Each pair of neighbours at most `window` apart is told from `drawn` random words. Of a word whose share of the text
    is above `frequent`, some occurrences are left out. Returns the words, most frequent first, and (vocab, d).
    """
    counts = Counter(word for sentence in sentences for word in sentence)
    words = [word for word, count in counts.most_common() if count >= least]
    if len(words) < 2:
        raise ValueError(f"{len(words)} words stand at least {least} times in {len(sentences)} sentences; 2 are needed")
    number = {word: i for i, word in enumerate(words)}
    numbers = [[number[word] for word in sentence if word in number] for sentence in sentences]
    ids = torch.tensor([i for sentence in numbers for i in sentence])
    home = torch.repeat_interleave(torch.tensor([len(sentence) for sentence in numbers]))  # which sentence a word is in

    share = torch.bincount(ids) / len(ids)
    keep = (frequent / share).sqrt() + frequent / share
    centres = (torch.rand(len(words), d, generator=generator) - 0.5) / d
    contexts = torch.zeros(len(words), d)
    for epoch in range(epochs):
        kept = torch.rand(len(ids), generator=generator) < keep[ids]
        blocks = _blocks(ids[kept], home[kept], window)
        for i, (block, block_home) in enumerate(blocks):
            step = rate * max(1 - (epoch + i / len(blocks)) / epochs, 0.01)
            _learn(centres, contexts, block, block_home, window, drawn, share**0.75, step, generator)
    return words, centres


def _blocks(ids: Tensor, home: Tensor, window: int) -> list[tuple[Tensor, Tensor]]:
    """Cut a text into groups of CENTRES places and `window` more on either side, GROUPS at a time. Home -1: no word."""
    sides = (window, window + -len(ids) % CENTRES)
    length = CENTRES + 2 * window
    groups = functional.pad(ids, sides).unfold(0, length, CENTRES)
    homes = functional.pad(home, sides, value=-1).unfold(0, length, CENTRES)
    return list(zip(groups.split(GROUPS), homes.split(GROUPS), strict=True))


def _learn(centres, contexts, ids, home, window, drawn, noise, rate, generator) -> None:
    """One step on one block: ids and home (group, CENTRES + 2 window)."""
    real = _neighbours(home, window, generator)
    # Each centre meets twice the words to draw at half the weight: they are shared, so that is cheap and less noisy.
    noise_ids = torch.multinomial(noise, len(ids) * 2 * drawn, replacement=True, generator=generator).view(len(ids), -1)
    noise_weight = (real.sum(dim=2, keepdim=True) / 2).expand(-1, -1, 2 * drawn)
    centre_ids, context_ids = ids[:, window:-window], torch.cat([ids, noise_ids], dim=1)
    weight = torch.cat([real, noise_weight], dim=2)  # (group, centre, context)
    label = (torch.arange(context_ids.shape[1]) < ids.shape[1]).float()
    _, centre_gradient, context_gradient = negative_sampling(centres[centre_ids], contexts[context_ids], label, weight)
    _move(centres, centre_ids, centre_gradient, rate)
    _move(contexts, context_ids, context_gradient, rate)


def _neighbours(home: Tensor, window: int, generator: torch.Generator) -> Tensor:
    """(group, centre, place): 1.0 where both stand in one sentence, no further apart than a drawn reach."""
    place = torch.arange(CENTRES + 2 * window)
    distance = (place - place[window:-window, None]).abs()
    home_of_centre = home[:, window:-window, None]
    reach = torch.randint(1, window + 1, home_of_centre.shape, generator=generator)
    near = (distance > 0) & (distance <= reach) & (home_of_centre == home[:, None]) & (home_of_centre >= 0)
    return near.float()


def _move(rows: Tensor, ids: Tensor, gradient: Tensor, rate: float) -> None:
    """Against the sum of a word's gradients over the root of their number, at most LONGEST_STEP far.

    A block holds frequent words hundreds of times: the plain sum of their gradients throws them far off.
    """
    touched, place, times = ids.reshape(-1).unique(return_inverse=True, return_counts=True)
    total = torch.zeros(len(touched), rows.shape[1]).index_add_(0, place, gradient.reshape(len(place), -1))
    step = total * (rate / times.sqrt()[:, None])
    length = step.norm(dim=1, keepdim=True)
    rows[touched] -= step * (LONGEST_STEP / length.clamp(min=LONGEST_STEP))
