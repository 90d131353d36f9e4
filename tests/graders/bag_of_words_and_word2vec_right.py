"""Right answers to notebook 02 in other styles than the course's: all must be accepted."""

import math
from collections import Counter

import numpy as np
import torch

from tests.graders.cases import right


@right("bag_of_words")
def by_counter(texts, words):
    counted = [Counter(text) for text in texts]
    return torch.tensor([[float(count[word]) for word in words] for count in counted])


@right("bag_of_words")
def by_list_count(texts, words):
    rows = []
    for text in texts:
        rows.append(torch.tensor([text.count(word) for word in words], dtype=torch.float32))
    return torch.stack(rows)


@right("bag_of_words")
def by_index_and_bincount(texts, words):
    rows = [torch.tensor([words.index(w) for w in text if w in words], dtype=torch.long) for text in texts]
    return torch.stack([torch.bincount(row, minlength=len(words)) for row in rows]).float()


@right("bag_of_words")
def by_one_hot(texts, words):
    table = torch.eye(len(words))
    counts = torch.zeros(len(texts), len(words))
    for i, text in enumerate(texts):
        for word in text:
            try:
                counts[i] += table[words.index(word)]
            except ValueError:
                continue
    return counts


@right("bag_of_words")
def by_dictionary_with_get(texts, words):
    column = dict(zip(words, range(len(words)), strict=True))
    counts = torch.zeros(len(texts), len(words) + 1)
    for i, text in enumerate(texts):
        for word in text:
            counts[i, column.get(word, len(words))] += 1
    return counts[:, :-1]


@right("bag_of_words")
def row_by_row_in_numpy(texts, words):
    counts = np.zeros((len(texts), len(words)), dtype=np.float32)
    for i, text in enumerate(texts):
        for j, word in enumerate(words):
            counts[i, j] = sum(1 for other in text if other == word)
    return torch.from_numpy(counts)


@right("tf_idf")
def with_numpy(counts):
    table = counts.numpy()
    weighed = table * (np.log((1 + len(table)) / (1 + (table > 0).sum(axis=0))) + 1)
    length = np.sqrt((weighed**2).sum(axis=1, keepdims=True))
    return torch.tensor(np.divide(weighed, length, out=np.zeros_like(weighed), where=length > 0), dtype=counts.dtype)


@right("tf_idf")
def nan_to_zero(counts):
    df = torch.tensor([float((column > 0).sum()) for column in counts.T])
    weighed = counts * (((1.0 + counts.size(0)) / (1.0 + df)).log() + 1.0)
    return torch.nan_to_num(weighed / torch.linalg.norm(weighed, dim=1)[:, None])


@right("tf_idf")
def with_loops(counts):
    texts, vocab = counts.shape
    weighed = torch.zeros_like(counts)
    for j in range(vocab):
        having = sum(1 for i in range(texts) if counts[i, j] > 0)
        for i in range(texts):
            weighed[i, j] = counts[i, j] * (math.log((1 + texts) / (1 + having)) + 1)
    for i in range(texts):
        length = weighed[i].norm()
        if length > 0:
            weighed[i] = weighed[i] / length
    return weighed


@right("tf_idf")
def clamped(counts):
    n = counts.shape[0]
    df = torch.count_nonzero(counts, dim=0)
    weighed = counts * (1 + torch.log((n + 1) / (df + 1)))
    return weighed / weighed.norm(dim=1, keepdim=True).clamp(min=1e-9)


@right("tf_idf")
def difference_of_logarithms(counts):
    df = counts.bool().sum(0, keepdim=True).double()
    idf = math.log(1 + len(counts)) - torch.log1p(df) + 1
    weighed = counts.double() * idf
    length = weighed.square().sum(-1, keepdim=True).sqrt()
    return torch.where(length > 0, weighed / length, 0.0).to(counts.dtype)


@right("tf_idf")
def shares_first(counts):
    shares = counts / counts.sum(-1, keepdim=True).clamp(min=1)
    idf = ((1 + len(counts)) / (1 + (counts != 0).to(counts).sum(0))).log() + 1
    return torch.nn.functional.normalize(shares @ torch.diag(idf), dim=1)


@right("cosine_similarity")
def divided_by_lengths(a, b):
    lengths = a.norm(dim=-1)[..., :, None] * b.norm(dim=-1)[..., None, :]
    return a @ b.mT / lengths.clamp(min=1e-12)


@right("cosine_similarity")
def with_einsum(a, b):
    a = a / a.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    b = b / b.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    return torch.einsum("...nd,...md->...nm", a, b)


@right("cosine_similarity")
def by_broadcasting(a, b):
    return torch.nn.functional.cosine_similarity(a.unsqueeze(-2), b.unsqueeze(-3), dim=-1)


@right("cosine_similarity")
def with_a_small_number(a, b):
    def unit(x):
        return x / torch.sqrt((x * x).sum(-1, keepdim=True) + 1e-14)

    return torch.matmul(unit(a), torch.swapaxes(unit(b), -1, -2))


@right("cosine_similarity")
def in_float64(a, b):
    scaled = [torch.nn.functional.normalize(x.double(), dim=-1) for x in (a, b)]
    return (scaled[0].unsqueeze(-2) * scaled[1].unsqueeze(-3)).sum(-1).to(a.dtype)


@right("cosine_similarity")
def without_gradients(a, b):
    with torch.no_grad():
        cosines = torch.einsum("...nd,...md->...nm", a, b)
        cosines = cosines / torch.linalg.norm(a, dim=-1).unsqueeze(-1) / torch.linalg.norm(b, dim=-1).unsqueeze(-2)
        return cosines.nan_to_num(0.0)


@right("skip_gram_pairs")
def left_then_right(sentence, window):
    pairs = []
    for i in range(len(sentence)):
        for j in range(i - window, i):
            if j >= 0:
                pairs.append((sentence[i], sentence[j]))
        for j in range(i + 1, i + window + 1):
            if j < len(sentence):
                pairs.append((sentence[i], sentence[j]))
    return pairs


@right("skip_gram_pairs")
def two_slices(sentence, window):
    pairs = []
    for i, word in enumerate(sentence):
        left, after = sentence[max(0, i - window) : i], sentence[i + 1 : i + 1 + window]
        pairs += [(word, other) for other in left] + [(word, other) for other in after]
    return pairs


@right("skip_gram_pairs")
def all_places_filtered(sentence, window):
    n = len(sentence)
    return [(sentence[i], sentence[j]) for i in range(n) for j in range(n) if i != j and abs(i - j) <= window]


@right("skip_gram_pairs")
def by_offsets(sentence, window):
    result = []
    for i in range(len(sentence)):
        for offset in range(-window, window + 1):
            if offset == 0 or not 0 <= i + offset < len(sentence):
                continue
            result.append((sentence[i], sentence[i + offset]))
    return result


@right("skip_gram_pairs")
def a_generator_made_a_list(sentence, window):
    def pairs():
        for i, centre in enumerate(sentence):
            for j, other in enumerate(sentence):
                if 1 <= abs(j - i) <= window:
                    yield [centre, other]

    return list(pairs())


@right("skip_gram_pairs")
def with_try(sentence, window):
    pairs = []
    for i in range(len(sentence)):
        for j in range(i - window, i + window + 1):
            if j < 0 or j == i:
                continue
            try:
                pairs.append((sentence[i], sentence[j]))
            except IndexError:
                break
    return tuple(pairs)


@right("negative_sampling")
def with_the_loss_of_torch(centre, context, label, weight=1.0):
    score = torch.einsum("...nd,...md->...nm", centre, context)
    label = label.expand_as(score)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(score, label, reduction="none")
    error = (torch.sigmoid(score) - label) * weight
    return (
        (loss * weight).sum(),
        torch.einsum("...nm,...md->...nd", error, context),
        torch.einsum("...nm,...nd->...md", error, centre),
    )


@right("negative_sampling")
def real_and_drawn_apart(centre, context, label, weight=1.0):
    score = centre @ context.mT
    real, drawn = label * weight, (1 - label) * weight
    loss = -(real * torch.nn.functional.logsigmoid(score)).sum()
    loss = loss - (drawn * torch.nn.functional.logsigmoid(-score)).sum()
    pull, push = real * torch.sigmoid(-score), drawn * torch.sigmoid(score)
    return loss, push @ context - pull @ context, push.mT @ centre - pull.mT @ centre


@right("negative_sampling")
def stable_by_hand(centre, context, label, weight=1.0):
    s = torch.matmul(centre, context.transpose(-1, -2))
    loss = s.clamp(min=0) - s * label + torch.log1p(torch.exp(-s.abs()))
    g = (1 / (1 + torch.exp(-s)) - label) * weight
    return torch.sum(loss * weight), torch.matmul(g, context), torch.matmul(g.transpose(-1, -2), centre)


@right("negative_sampling")
def sums_of_products(centre, context, label, weight=1.0):
    score = (centre.unsqueeze(-2) * context.unsqueeze(-3)).sum(-1)
    sign = 1 - 2 * label
    loss = (weight * torch.nn.functional.softplus(sign * score)).sum()
    error = (weight * sign * torch.sigmoid(sign * score)).unsqueeze(-1)
    return loss, (error * context.unsqueeze(-3)).sum(-2), (error * centre.unsqueeze(-2)).sum(-3)


@right("negative_sampling")
def in_float64_with_logaddexp(centre, context, label, weight=1.0):
    a, b, y = centre.double(), context.double(), label.double()
    s = a @ b.mT
    loss = weight * (torch.logaddexp(s, torch.zeros_like(s)) - y * s)
    error = weight * (torch.special.expit(s) - y)
    return tuple(part.to(centre.dtype) for part in (loss.sum(), error @ b, error.mT @ a))


@right("negative_sampling")
def with_logsigmoid_and_loops(centre, context, label, weight=1.0):
    score = centre @ context.mT
    label, weight = torch.broadcast_to(label, score.shape), torch.as_tensor(weight).broadcast_to(score.shape)
    loss = torch.zeros(())
    for s, y, w in zip(score.flatten(), label.flatten(), weight.flatten(), strict=True):
        loss = loss - w * (torch.nn.functional.logsigmoid(s) if y else torch.nn.functional.logsigmoid(-s))
    error = weight * (score.sigmoid() - label)
    return loss, error.matmul(context), error.mT.matmul(centre)


@right("analogy")
def ranked_by_einsum(a, b, c, vectors, words):
    ids = {word: i for i, word in enumerate(words)}
    target = vectors[ids[b]] - vectors[ids[a]] + vectors[ids[c]]
    scores = torch.einsum("vd,d->v", torch.nn.functional.normalize(vectors, dim=1), target)
    ranked = scores.sort(descending=True).indices.tolist()
    return next(words[i] for i in ranked if words[i] not in {a, b, c})


@right("analogy")
def with_a_loop(a, b, c, vectors, words):
    target = vectors[words.index(b)] - vectors[words.index(a)] + vectors[words.index(c)]
    best, best_word = -2.0, None
    for word, vector in zip(words, vectors, strict=True):
        if word in (a, b, c):
            continue
        cosine = torch.dot(target, vector) / (target.norm() * vector.norm()).clamp(min=1e-9)
        if cosine > best:
            best, best_word = cosine.item(), word
    return best_word


@right("analogy")
def sorted_candidates(a, b, c, vectors, words):
    row = dict(zip(words, vectors, strict=True))
    target = row[c] + (row[b] - row[a])
    others = [word for word in words if word not in {a, b, c}]
    return max(others, key=lambda word: torch.cosine_similarity(target, row[word], dim=0).item())


@right("analogy")
def from_the_top_four(a, b, c, vectors, words):
    number = {word: i for i, word in enumerate(words)}
    target = vectors[number[b]] - vectors[number[a]] + vectors[number[c]]
    unit = vectors / vectors.norm(dim=1, keepdim=True).clamp(min=1e-9)
    for i in (unit @ target).argsort(descending=True).tolist():
        if words[i] != a and words[i] != b and words[i] != c:
            return words[i]


@right("analogy")
def in_numpy(a, b, c, vectors, words):
    v = vectors.numpy().astype(np.float64)
    ia, ib, ic = (list(words).index(w) for w in (a, b, c))
    score = v @ (v[ib] - v[ia] + v[ic]) / np.maximum(np.linalg.norm(v, axis=1), 1e-9)
    score[[ia, ib, ic]] = -np.inf
    return words[int(np.argmax(score))]


@right("analogy")
def with_a_mask(a, b, c, vectors, words):
    a, b, c = (words.index(word) for word in (a, b, c))
    target = (vectors[b] - vectors[a] + vectors[c]).unsqueeze(0)
    score = torch.nn.functional.cosine_similarity(target, vectors, dim=1)
    given = torch.zeros(len(words), dtype=torch.bool)
    given[torch.tensor([a, b, c])] = True
    return words[score.masked_fill(given, -9.0).argmax().item()]
