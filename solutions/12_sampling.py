# %% [markdown]
# # 12 · Sampling
# After this notebook you can choose the next token in all the usual ways, say what each of them is for and what it costs, and
# explain why the likeliest text is not what people write.
#
# You need: notebooks 08, 10 and 11. You build: temperature, drawing, the loop that writes, entropy, top-k, top-p, min-p, a
# repetition penalty. 150 minutes.

# %%
import json
import math

import matplotlib.pyplot as plt
import torch
from torch.nn import functional

from lib.corpora import files
from lib.corpora.stories import load_stories, names_kept, sentences
from lib.decoding.generate import CachedGPT, generate_batch
from lib.decoding.sampling import chi_square, until
from lib.figures import style, transformer_map
from lib.gpt import END, GPT, load_stories_gpt, sizes_of
from lib.yours import beam_step

style()
torch.set_num_threads(1)  # one token at a time feeds no second thread

# %% [markdown]
# ## The question
# A GPT gives a number for each token of its vocabulary, a **logit**: the larger, the likelier that this token comes next.
# Which token is written? "The likeliest!" That is **greedy decoding**, and for translation (notebook 10) it worked well. Here
# is how a published model goes on after one sentence. It is SmolLM2-135M-Instruct, the model of notebook 14, given plain text
# here; a program ran it once and recorded what it wrote (`benchmarks/sampling.py`), because its weights do not come with the
# course.


# %%
def repeated(ids, n=4):
    """The share of groups of n tokens that stood earlier in the same text."""
    groups = [tuple(ids[i : i + n]) for i in range(len(ids) - n + 1)]
    return 1 - len(set(groups)) / len(groups)


recorded = json.loads(files.read("sampling_results.json"))
print(recorded["opening"], "|", recorded["texts"]["greedy"], "\n")
for name in ("people", "greedy"):
    again = recorded["ways"][name]["repeated"]
    print(f"{name:7} {again:.0%} of the groups of four come again")

# %% jupyter={"source_hidden": true}
# six groups; 1234 and 2341 come back
assert abs(repeated([1, 2, 3, 4, 1, 2, 3, 4, 1]) - 2 / 6) < 1e-9
share = {name: row["repeated"] for name, row in recorded["ways"].items()}
assert share["people"] < 0.02 and 0.3 < share["greedy"] < 0.36
assert recorded["paragraphs"] == 12 and recorded["window"] == 8192
assert recorded["texts"]["greedy"].count("make a special cake for the children") == 4

# %% [markdown]
# The model repeats itself: four times in a row, she makes a special cake. The two numbers are from 12 paragraphs of Wikipedia.
# The model read the first 32 tokens of each and wrote 100 more; people had written 100 tokens there, too. In what people
# wrote, about one group of four tokens in a hundred had stood there before; in what greedy decoding wrote, every third.
#
# The model is not short-sighted. Its window has 8,192 tokens, so it *sees* that it repeats itself. And it
# was trained to predict what people write. Why does the likeliest token, again and again, lead to a text that
# nobody would write, and how should one choose instead?
#
# ## By hand
# "The cat sat on the ..." Four words could come next. The softmax takes e to the power of each logit and divides by the
# sum of these powers, here 16:
#
# | | mat | sofa | table | moon |
# |---|---|---|---|---|
# | logit | 2.08 | 1.39 | 0.69 | 0.69 |
# | e to that power | 8 | 4 | 2 | 2 |
# | **probability** | **0.5** | **0.25** | **0.125** | **0.125** |
# | running sum | 0.5 | 0.75 | 0.875 | 1 |
#
# **Sampling** means to draw a word so that each comes as often as its probability says: *mat* half of the time, *moon* once
# in eight times. By hand it goes like this. Let a generator give a number u between 0 and 1, all equally likely, and take the first
# word whose running sum is above u. For u = 0.31 that is *mat*, for u = 0.62 *sofa*, for u = 0.93 *moon*. The range of numbers that
# lead to a word is as long as its probability.
#
# All other tools of this notebook change the logits first, and draw then. They are of three kinds:
#
# - **Temperature** makes all differences between the logits smaller or larger.
# - **Truncation** leaves tokens out: their logit becomes −∞, and so their probability 0. Keep two words here, and *mat* has
#   8/12 = ⅔, *sofa* 4/12 = ⅓. What stays shares the probability of what goes.
# - **Penalties** lower what was written before. If *mat* was, its logit 2.08 may be divided by 2: 1.04, and e to that power
#   is 2.83 instead of 8. Now *sofa*, with 4, is in front.
#
# ## The picture

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 2, figsize=(9.6, 4.0), width_ratios=(1.9, 1))
axes = panels[0]
boxes = {
    (0.0, 2.0): ("GPT", "#f2f2f2"),
    (3.0, 2.0): ("penalty", "#ffe3c2"),
    (6.0, 2.0): ("÷ temperature", "#ffe3c2"),
    (6.0, 0.0): ("leave out\nthe tail", "#ffe3c2"),
    (3.0, 0.0): ("softmax", "#f2f2f2"),
    (0.0, 0.0): ("draw", "#ffe3c2"),
}
for (x, y), (text, colour) in boxes.items():
    axes.add_patch(plt.Rectangle((x, y), 1.6, 0.8, fc=colour, ec="black"))
    axes.text(x + 0.8, y + 0.4, text, ha="center", va="center", fontsize=8)
arrows = {
    (0.4, 3.4, 0.4, 2.8): "ids so far\n(batch, position)",
    (1.6, 2.4, 3.0, 2.4): "logits\n(batch, vocab)",
    (4.6, 2.4, 6.0, 2.4): "logits\n(batch, vocab)",
    (6.8, 2.0, 6.8, 0.8): "logits\n(batch, vocab)",
    (6.0, 0.4, 4.6, 0.4): "logits, some −∞\n(batch, vocab)",
    (3.0, 0.4, 1.6, 0.4): "probabilities\n(batch, vocab)",
    (0.8, 0.8, 0.8, 2.0): "one id a row (batch,):\nappended to the ids",
}
for (x, y, to_x, to_y), text in arrows.items():
    axes.annotate("", (to_x, to_y), (x, y), arrowprops={"arrowstyle": "->"})
    flat = y == to_y
    spot = ((x + to_x) / 2, y + 0.36) if flat else (x + 0.1, (y + to_y) / 2)
    axes.text(*spot, text, ha="center" if flat else "left", va="center", fontsize=6.5)
axes.set(xlim=(-0.1, 8.2), ylim=(-0.3, 3.6))
axes.axis("off")
transformer_map(panels[1], numbers=False, lit=("next token",))
plt.show()

# %% [markdown]
# Follow the arrows from the top left. The GPT reads all ids so far and gives a logit for each token of the vocabulary. The orange
# boxes are what you build today, in the order in which people usually apply them. What is drawn is appended to the ids, and the GPT
# reads on: writing is **autoregressive**. `batch` is the number of texts that are written side by side. On the right is the
# whole Transformer: all of this happens in its last box. No weight of the model is touched, and nothing is trained.
#
# ## In code
# The table from above, with and without the two least likely words:

# %%
words = ["mat", "sofa", "table", "moon"]
four = torch.tensor([8.0, 4.0, 2.0, 2.0]).log()
print("probabilities", four.softmax(dim=-1).tolist())
# e to the power of -inf is 0
two = four.masked_fill(torch.tensor([False, False, True, True]), -math.inf)
print("two words    ", [round(chance, 3) for chance in two.softmax(dim=-1).tolist()])
for u in (0.31, 0.62, 0.93):
    place = int((four.softmax(dim=-1).cumsum(dim=-1) <= u).sum())
    print(f"u = {u}: {words[place]}")

# %% jupyter={"source_hidden": true}
assert torch.allclose(four.softmax(dim=-1), torch.tensor([0.5, 0.25, 0.125, 0.125]))
assert torch.allclose(two.softmax(dim=-1), torch.tensor([2 / 3, 1 / 3, 0, 0]))
assert place == 3 and abs(math.exp(four[0] / 2) - 2.83) < 0.01

# %% [markdown]
# ## Temperature: a power
# Divide all logits by one number T, the **temperature**. With z for the logits and p for the probabilities at T = 1:
#
# $$p^{(T)}_i = \frac{e^{z_i / T}}{\sum_j e^{z_j / T}} = \frac{p_i^{\,1/T}}{\sum_j p_j^{\,1/T}}$$
#
# Here i is a token and j runs over the vocabulary. The second form follows because $e^{z_i/T} = (e^{z_i})^{1/T}$, and because
# the sum by which the softmax divides is the same for all tokens and cancels. So temperature is a **power of the
# probabilities**, brought back to the sum 1. A quotient of two probabilities, p_i / p_j, becomes its own power 1/T.
#
# **A worked number.** T = ½ squares: 8, 4, 2, 2 become 64, 16, 4, 4, and *mat* has 64/88 = 0.73. T = 2 takes the root: 2.83, 2,
# 1.41, 1.41, and *mat* has 0.37. As T falls towards 0, the likeliest token gets everything, which is greedy decoding; as T
# grows, all tokens become equally likely. T = 1 is the distribution that the model was trained for. The order of the tokens
# never changes.

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(6, 3))
for i, (temperature, hatch) in enumerate(((0.5, "//"), (1.0, ""), (2.0, ".."))):
    chances = (four / temperature).softmax(dim=-1)
    bars = axes.bar(
        torch.arange(4) + 0.28 * (i - 1),
        chances,
        0.26,
        hatch=hatch,
        label=f"temperature {temperature}",
    )
    axes.bar_label(bars, [f"{chance:.3f}" for chance in chances], fontsize=7)
axes.set(xticks=range(4), xticklabels=words, ylabel="probability")
axes.legend()
plt.show()
assert torch.allclose((four / 0.5).softmax(dim=-1), torch.tensor([64, 16, 4, 4]) / 88)
assert torch.allclose(
    (four / 2).softmax(dim=-1), torch.tensor([0.369, 0.261, 0.185, 0.185]), atol=2e-3
)
assert torch.allclose(  # the second form of the formula
    (four / 2).softmax(-1), four.softmax(-1).sqrt() / four.softmax(-1).sqrt().sum()
)

# %% [markdown]
# Three bars for each word, from a low temperature to a high one. The low one sharpens: *mat* takes from all others. The high one
# flattens: the two unlikely words gain most.
#
# ## Exercise 12.1 · apply_temperature
# Divide the logits (..., vocab) by the temperature. They stay logits: no softmax here. What came in stays as it is, and
# what comes out has its dtype, here and in all exercises that follow. Difficulty ●○○ · 2 minutes.
#
# <details><summary>What about temperature 0?</summary>It would divide by 0. As the temperature falls, the likeliest gets
# everything: that is greedy, and <code>argmax</code> does it. The first lines refuse 0.</details>


# %% exercise="apply_temperature" difficulty=1 minutes=2
def apply_temperature(logits, temperature):
    """Divide the logits: below 1 the likely get likelier, above 1 all get more alike.

    Returns the shape and dtype of logits. Raises ValueError when temperature is not a
    number above 0.
    """
    if not 0 < temperature < math.inf:
        raise ValueError(
            f"temperature={temperature} is not above 0; "
            "for the likeliest token every time, take greedy"
        )
    ### BEGIN SOLUTION
    return logits / temperature
    ### END SOLUTION


# %% check="apply_temperature"
from lib.checks import check

apply_temperature = check("apply_temperature")

# %% [markdown]
# ## Question 12.1 · flat_temperature
# At temperature 1, one token is 8 times as likely as another. At which temperature is it only twice as likely?

# %% question="flat_temperature" difficulty=1 minutes=3
### BEGIN SOLUTION
flat_temperature = 3
### END SOLUTION

# %% check="flat_temperature"
from lib.checks import check

flat_temperature = check("flat_temperature")

# %% [markdown]
# ## Drawing
# A program draws as you did by hand: a number between 0 and 1 for each row, and the first token whose running sum is above it.
# `torch.multinomial` does this. The numbers come from a **generator**, whose state decides all that follows: the same state gives
# the same text again, which is what makes an experiment with chance repeatable. So the generator is an argument, and nobody
# else's numbers are used up.
#
# ## Exercise 12.2 · sample
# Logits (..., vocab) to ids (...): draw one token a row, each as often as its probability says. `torch.multinomial` draws,
# for one or two axes; pass `generator` on. Difficulty ●●○ · 8 minutes.
#
# <details><summary>prob_dist must be 1 or 2 dim</summary>Make the leading axes one, <code>reshape(-1, vocab)</code>, and
# bring them back at the end: <code>reshape(logits.shape[:-1])</code>.</details>


# %% exercise="sample" difficulty=2 minutes=8
def sample(logits, generator):
    """Draw one token a row, each as often as its probability says.

    logits: (..., vocab)
    Returns ids (...), int64. The same state of the generator gives the same ids; which
    ones, is not prescribed.
    """
    ### BEGIN SOLUTION
    probabilities = logits.softmax(dim=-1)
    drawn = torch.multinomial(
        probabilities.reshape(-1, logits.shape[-1]), 1, generator=generator
    )
    return drawn.reshape(logits.shape[:-1])
    ### END SOLUTION


# %% check="sample"
from lib.checks import check

sample = check("sample")

# %% [markdown]
# ### Does it draw right?
# 160 draws of the four words gave 85, 35, 22, 18; one expects 80, 40, 20, 20. Is that luck, or a mistake? Pearson's
# **chi-square** statistic compares counts with what one expects:
#
# $$\chi^2 = \sum_i \frac{(\text{counted}_i - \text{expected}_i)^2}{\text{expected}_i} = \frac{25}{80} + \frac{25}{40} + \frac{4}{20} + \frac{4}{20} = 1.34$$
#
# The **p-value** is the share of honest samplers that come out at least as far off: here 0.72, nothing to worry about. Below
# 0.001, either something happened that happens once in a thousand times, or the sampler is wrong.
#
# Now test yours on logits of a model. It is the GPT of notebook 11, with a vocabulary of 2,048 tokens and a window of 320,
# and we look at two places. After "Tom sat in the kitchen and ate a piece of" many words fit; after "Tom sat in" one is
# nearly sure. The test holds only where at least 5 draws are expected, so `chi_square` counts the rare tokens together.

# %%
model, tokenizer = load_stories_gpt()
end = tokenizer.special[END]  # stands between stories


def ids_of(text):
    return [end, *tokenizer.encode(text)]


open_place = CachedGPT(model)(ids_of("Tom sat in the kitchen and ate a piece of"))
sure_place = CachedGPT(model)(ids_of("Tom sat in"))
generator = torch.Generator().manual_seed(0)


def counts(logits, n=20_000):
    return sample(logits.expand(n, -1), generator).bincount(minlength=len(logits))


_, p_value = chi_square(counts(open_place), open_place.softmax(dim=-1))
print(f"20,000 draws: p-value {p_value:.2f}")

# %% [markdown]
# > **Predict.** A sampler that uses temperature 1.1 by mistake: do 20,000 draws show it?

# %%
too_hot = counts(apply_temperature(open_place, 1.1))
_, p_value_hot = chi_square(too_hot, open_place.softmax(dim=-1))
print(f"drawn at 1.1, compared with 1: p-value {p_value_hot:.0e}")

# %% jupyter={"source_hidden": true}
assert p_value > 0.001 > p_value_hot
statistic, by_hand = chi_square(torch.tensor([85, 35, 22, 18]), four.softmax(dim=-1))
assert abs(statistic - 1.3375) < 1e-4 and abs(by_hand - 0.72) < 0.005
assert len(model.embedding.weight) == 2048 and len(model.positions.table) == 320
assert (
    sure_place.softmax(dim=-1).max() > 0.85 and open_place.softmax(dim=-1).max() < 0.3
)

# %% [markdown]
# They do. No single text would show it; a test with counts does. It is how the samplers of the library are tested, too.
#
# ## The loop that writes
# One loop serves every model and every way to choose. It gets two functions. `next_logits(ids)` is the model: a list of ids in, the
# logits of the next token out. `pick(logits, ids)` chooses. It sees the ids as well, because a penalty has to know what
# was written. `CachedGPT(model)` is such a `next_logits`; it remembers what it has read, and notebook 13 shows how.
#
# When does writing end? After a number of tokens, or as soon as a **stop sequence** was written, for example the token that
# stands between stories.
#
# ## Exercise 12.3 · generate
# `limit` times: ask `next_logits(ids)`, let `pick(logits, ids)` choose, append, `yield`: each is asked once for a token,
# and not after the last. `pick` may give an int or, as `sample` does, a 0-d tensor; so may you. End as soon as what you
# *wrote* ends in one of the `stop` sequences, none of which is empty. `ids` is the caller's list: copy it.
# Difficulty ●●○ · 10 minutes.
#
# <details><summary>Why yield?</summary>So that each token can be shown when it is there. A function with <code>yield</code>
# makes a generator: it runs only as far as somebody asks.</details>
# <details><summary>A list ends in another one</summary><code>written[-len(end):] == list(end)</code></details>


# %% exercise="generate" difficulty=2 minutes=10
def generate(next_logits, ids, limit, pick, stop=()):
    """Write up to `limit` tokens after `ids` and yield each as soon as it is there.
    `ids` stays as it is, and nobody else changes it meanwhile.

    next_logits: list of all ids so far, yours or a copy -> logits of the next, (vocab,)
    pick: (logits, all ids so far, the same) -> the next id, an int or a 0-d tensor
    stop: sequences of at least one id, lists or tuples; the writing ends after the
    first that it has written to its end
    """
    ### BEGIN SOLUTION
    ids, written = list(ids), []
    for _ in range(limit):
        new = int(pick(next_logits(ids), ids))
        ids.append(new)
        written.append(new)
        yield new
        if any(written[-len(end) :] == list(end) for end in stop):
            return
    ### END SOLUTION


# %% check="generate"
from lib.checks import check

generate = check("generate")


# %%
def picker(change, seed):
    """A `pick`: `change` makes new logits out of (logits, ids so far), and one token is
    drawn with a generator of its own.
    """
    generator = torch.Generator().manual_seed(seed)
    return lambda logits, ids: sample(change(logits, torch.tensor(ids)), generator)


def write(change, seed=0, start="Tom sat in the kitchen and ate a piece of", limit=50):
    ids = ids_of(start)
    new = generate(CachedGPT(model), ids, limit, picker(change, seed), stop=[[end]])
    return tokenizer.decode([*ids[1:], *new])


stories = load_stories()
known_words = {word for story in stories for word in story.split()}


def strange(text):
    """The words that stand in no story. The last one may be half a word."""
    return [word for word in text.split()[:-1] if word not in known_words]


# %% tags=["training"]
by_heat = {
    t: write(lambda logits, ids, t=t: apply_temperature(logits, t))
    for t in (0.3, 1.0, 2.0)
}
for t, text in by_heat.items():
    print(f"temperature {t} | {text}\n  in no story: {strange(text)}\n")

# %% jupyter={"source_hidden": true}
assert (
    not strange(by_heat[0.3])
    and not strange(by_heat[1.0])
    and len(strange(by_heat[2.0])) > 2
)
at_1, at_1_again, other = (
    write(lambda logits, ids: logits, seed) for seed in (0, 0, 1)
)
assert at_1 == at_1_again != other  # reproducible: the state of the generator decides

# %% [markdown]
# Cold, the model writes safe phrases. At 1 it writes from the distribution that it was trained for. Hot, words appear that
# stand in no story at all. Where do they come from? Look at both places before and after the heat.


# %%
def show(title, change, n=9):
    """Two places: the likeliest tokens before (grey frames) and after `change` (bars; a
    cross: left out).
    """
    figure, row = plt.subplots(1, 2, figsize=(6, 3.3))
    for axes, logits, place in zip(
        row, (open_place, sure_place), ("ate a piece of", "Tom sat in"), strict=True
    ):
        after, top = change(logits), logits.topk(n).indices
        axes.barh(range(n), after.softmax(dim=-1)[top])
        axes.barh(range(n), logits.softmax(dim=-1)[top], fill=False, edgecolor="grey")
        left = after > -math.inf
        axes.set_yticks(
            range(n),
            [tokenizer.decode([i]) + ("" if left[i] else " ✗") for i in top.tolist()],
        )
        axes.invert_yaxis()
        axes.set(xlabel="probability", title=f"{place} ... ({left.sum()} left)")
    figure.suptitle(title)
    plt.show()


# %%
show("temperature 2", lambda logits: apply_temperature(logits, 2))

# %% jupyter={"source_hidden": true}
for place in (open_place, sure_place):
    best = place.softmax(dim=-1).topk(9).values.sum()
    assert (place / 2).softmax(dim=-1).topk(9).values.sum() < best - 0.1
    assert ((place / 2).softmax(dim=-1) > place.softmax(dim=-1)).sum() > 1000

# %% [markdown]
# Grey frames: the probabilities as the model gives them; bars: what temperature 2 makes of them (*r* begins *raspberry*). On
# the left many words fit, on the right *the* is nearly sure. What the bars lack has gone to tokens that the figure does not
# show: over a thousand of the 2,048 have become likelier. Each of them is very unlikely, but there are many. This is the
# **tail** of the distribution.
#
# The tail is there at temperature 1 as well. A softmax never gives exactly 0, and the cross-entropy loss punishes a model without
# limit for a token that comes although it was given almost nothing. So a model that is not sure spreads a little probability
# over everything (Hewitt et al. call this smoothing). And a training text is too short to show
# whether a token deserves one in ten thousand or one in a million. Holtzman et al. therefore speak of an **unreliable tail**.
#
# **A worked number.** Say the tail has 5% of the probability at every position. Then 20 tokens without an accident have
# probability 0.95²⁰ = 0.36. And one accident is enough: the model reads what it wrote, and goes on from there.
#
# ## Question 12.2 · tail_allowed
# You want a text of 100 tokens to be free of accidents with probability ½. How much of the probability may the tail have at each
# position, at most, if it has the same everywhere?

# %% question="tail_allowed" difficulty=2 minutes=4
### BEGIN SOLUTION
tail_allowed = 1 - 0.5 ** (1 / 100)
### END SOLUTION

# %% check="tail_allowed"
from lib.checks import check

tail_allowed = check("tail_allowed")

# %% [markdown]
# ## Surprise and entropy
# If the tail is the problem, why not stay with the likeliest tokens? To see what is wrong with *them*, two measures are
# needed. Both go back to Shannon (1948).
#
# The **surprise** of a token y (also its *information content*) is −log₂ p(y), in bits: 1 bit for p = ½, 2 bits for ¼, 3 bits
# for ⅛. Its mean over a text is the loss of notebook 11, there in nats: one bit is ln 2 = 0.69 nats. The **entropy** is the
# surprise that the model itself expects at a position, before it sees which token comes:
#
# $$H = -\sum_i p_i \log_2 p_i$$
#
# where i runs over the vocabulary. **A worked number.** For *mat*, *sofa*, *table*, *moon*: ½·1 + ¼·2 + ⅛·3 + ⅛·3 = 1.75
# bits. A position at which one token is sure has entropy 0; one at which all V tokens are equally likely has log₂ V bits, the
# most possible: 11 for 2,048 tokens.
#
# If tokens are drawn from the model's own distribution, their mean surprise is the mean entropy, apart from chance: that is
# what an expected value is. At each position the likeliest token has the least surprise, and so at most the mean.

# %% [markdown]
# ## Question 12.3 · coin_heads
# A bent coin shows heads with probability 0.6. It is thrown 100 times. How many heads has the single likeliest sequence of 100
# throws? And how many heads does one expect in a sequence that is thrown? Answer with both numbers, `(likeliest, expected)`.

# %% question="coin_heads" difficulty=2 minutes=3
### BEGIN SOLUTION
coin_heads = (100, 60)
### END SOLUTION

# %% check="coin_heads"
from lib.checks import check

coin_heads = check("coin_heads")

# %% [markdown]
# ## Exercise 12.4 · entropy
# The entropy of logits (..., vocab), in bits: one number a row, (...). A token that was left out has the logit -inf and p
# = 0. It adds nothing, because p log p goes to 0 as p does; but a computer multiplies 0 by infinity and gets `nan`.
# Difficulty ●●○ · 6 minutes.
#
# <details><summary>1.21 instead of 1.75</summary>Those are nats. One bit is ln 2 nats: divide by
# <code>math.log(2)</code>, or use <code>log2</code>.</details>
# <details><summary>nan</summary>Replace what is infinite before you multiply: <code>masked_fill</code>, or
# <code>torch.where</code>.</details>


# %% exercise="entropy" difficulty=2 minutes=6
def entropy(logits):
    """The surprise that is to be expected: the sum of -p log2 p over the tokens, in
    bits (Shannon 1948).

    logits: (..., vocab); a token that was left out, with the logit -inf, adds 0
    Returns (...).
    """
    ### BEGIN SOLUTION
    log_p = logits.log_softmax(dim=-1)
    # subtle: 0 times infinity is no number
    surprise = -log_p.masked_fill(log_p == -math.inf, 0.0) / math.log(2)
    return (log_p.exp() * surprise).sum(dim=-1)
    ### END SOLUTION


# %% check="entropy"
from lib.checks import check

entropy = check("entropy")

# %%
for name, logits in (
    ("mat, sofa, table, moon", four),
    ("two of them", two),
    ("... ate a piece of", open_place),
    ("Tom sat in", sure_place),
):
    print(f"{name:22} {entropy(logits):.2f} bits")

# %% jupyter={"source_hidden": true}
assert abs(entropy(four) - 1.75) < 1e-6 and abs(entropy(two) - 0.918) < 1e-3
assert entropy(sure_place) < 1 and 3.5 < entropy(open_place) < 4.5
assert 2.3 < -math.log2(open_place.softmax(dim=-1).max()) < 2.7

# %% [markdown]
# ## Greedy, beams, sampling
# The same with text. Eight held-out stories begin, 8 tokens each. (A program wrote these stories, so they stand for real
# text only roughly; SmolLM2's numbers for real text follow.) The model writes 100 tokens more, in three ways. A beam search
# (notebook 10) looks for a likelier text than greedy decoding finds. Without a source sentence it is short: keep the `beams`
# likeliest beginnings, and go on from each.


# %%
def beam(ids, limit, beams):
    """The likeliest of `beams` beginnings after `limit` tokens more."""
    cached, texts, scores = CachedGPT(model), [ids], torch.zeros(1, 1)
    for _ in range(limit):
        log_probs = cached.batch(texts).log_softmax(dim=-1)
        scores, rows, tokens = beam_step(scores, log_probs[None], beams)
        rows, tokens = rows[0].tolist(), tokens[0].tolist()
        texts = [[*texts[row], new] for row, new in zip(rows, tokens, strict=True)]
        cached.keep(rows)  # what was read follows the beginnings that are kept
    return texts[0][len(ids) :]


@torch.no_grad()
def surprise_and_entropy(ids):
    """Of each token but the first, in bits."""
    logits = model(torch.tensor([ids[:-1]]))[0]
    log_p = logits.log_softmax(dim=-1).gather(-1, torch.tensor(ids[1:])[:, None])
    return -log_p[:, 0] / math.log(2), entropy(logits)


# %% [markdown]
# Greedy decoding, sampling and the rest differ only in `pick`. `generate_batch` of the library is the loop of Exercise 12.3 for
# several texts at once, with one `pick` for each:


# %%
def write_all(prompts, change, limit, stop=()):
    picks = [picker(change, seed) for seed in range(len(prompts))]
    return generate_batch(model, prompts, limit, picks, stop)


def likeliest_only(logits, ids):
    return logits.masked_fill(logits < logits.max(), -math.inf)


long = [ids for ids in map(ids_of, stories[-300:]) if len(ids) >= 108][:8]
prompts = [ids[:8] for ids in long]

# %% tags=["training"]
written = {
    "held-out stories": [ids[8:108] for ids in long],
    "greedy": write_all(prompts, likeliest_only, 100),
    "beam 8": [beam(ids, 100, 8) for ids in prompts],
    "sampling, T 1": write_all(prompts, lambda logits, ids: logits, 100),
}
traces, expectations = {}, {}
for name, rows in written.items():
    pairs = [surprise_and_entropy(a + b) for a, b in zip(prompts, rows, strict=True)]
    surprise, expected = (torch.stack(part)[:, 7:] for part in zip(*pairs, strict=True))
    traces[name], expectations[name] = surprise, expected.mean().item()
    again = sum(map(repeated, rows)) / len(rows)
    numbers = f"{surprise.mean():.2f}   entropy {expected.mean():.2f}"
    print(f"{name:17} surprise {numbers}   repeated {again:.0%}")

# %%
print("SmolLM2 on Wikipedia, recorded")
by_surprise = sorted(recorded["ways"].items(), key=lambda way: -way[1]["surprise"])
for name, row in by_surprise:
    numbers = f"{row['surprise']:.2f}   entropy {row['entropy']:.2f}"
    print(f"{name:20} surprise {numbers}   repeated {row['repeated']:.0%}")

# %% jupyter={"source_hidden": true}
assert all(len(row) == 100 for rows in written.values() for row in rows)
ours = {name: bits.mean().item() for name, bits in traces.items()}
assert ours["beam 8"] < ours["greedy"] < ours["held-out stories"]
assert all(
    abs(ours[name] - expectations[name]) < 0.2
    for name in ("held-out stories", "sampling, T 1")
)
assert sum(map(repeated, written["greedy"])) / len(prompts) < 0.05
theirs = {name: row["surprise"] for name, row in recorded["ways"].items()}
assert theirs["beam 4"] < theirs["greedy"] < theirs["people"] / 3.5
assert abs(theirs["T 1"] - recorded["ways"]["T 1"]["entropy"]) < 0.2
assert 0.2 < theirs["T 1"] - theirs["people"] < 0.5

# %% [markdown]
# Surprise and entropy are in bits a token. The less surprise a text has, the likelier the model finds it. (Of SmolLM2 look at
# *T 1*, *people*, *greedy* and *beam 4*; the other ways are explained below.)
#
# - *As a search, beam search works.* It finds likelier texts than greedy decoding.
# - *What people write is far from the likeliest text.* SmolLM2 is surprised by people four times as much as by its greedy text.
#   For the stories of our program the gap is smaller, but it has the same sign.
# - *Sampling at T = 1 has about as much surprise as entropy*, as it must. The held-out stories have about as much, too: the
#   expectations of the course's GPT fit them. What SmolLM2 samples is a little more surprising than what people wrote, by 0.3
#   bits a token: that may be the tail, but twelve paragraphs are too few to be sure. (Holtzman et al. saw a larger gap, below.)
# - *Greedy decoding goes in circles with SmolLM2, and not with the course's GPT.* Keep that in mind; we come back to it.
#
# Now token by token, for one text:

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(2, 1, figsize=(6.4, 4.6), sharex=True)
ours = {name: traces[name][0].tolist() for name in ("held-out stories", "greedy")}
theirs = {name: recorded["traces"][name] for name in ("people", "greedy")}
titles = "the GPT of the course, a story", "SmolLM2, a paragraph of Wikipedia"
for axes, lines, title in zip(panels, (ours, theirs), titles, strict=True):
    for (name, bits), dashes in zip(lines.items(), ("-", "--"), strict=True):
        axes.plot(range(1, 101), bits, dashes, lw=1.3, label=name)
    axes.set(ylabel="surprise (bits)", ylim=(0, None))
    axes.set_title(title, loc="left")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2)
panels[1].set_xlabel("token after the prompt")
plt.show()
above_4 = {name: sum(bits > 4 for bits in line) for name, line in theirs.items()}
assert above_4["greedy"] == 0 and above_4["people"] > 30
assert max(ours["greedy"]) > 3

# %% [markdown]
# Each line is one text; the higher it goes, the less the model expected that token. Holtzman et al. drew a figure like the lower
# one for GPT-2 Large. What people write goes up and down: easy tokens, such as the ends of words and phrases, alternate with tokens
# that bring something new. A third of them have more than 4 bits; of the greedy text not one has. In the story above, greedy
# decoding goes up and down as well: where one of many names or dishes must come, as after "a piece of", even the likeliest
# has 2 or 3 bits.
#
# This is one part of the answer to the question at the top. The paper's explanation is that people avoid saying what the reader
# could have guessed. As with the coin: each token of the likeliest text is likely, and yet hardly anybody writes such a text.
#
# In information theory, sequences whose mean surprise is close to the entropy are called **typical**. For a source that makes
# its symbols independently, like the coin, nearly all long sequences that it makes are of this kind, and the likeliest one
# is not among them unless all symbols are equally likely.
#
# ## Repetition feeds itself
# Low surprise explains why greedy text is dull. Why does it go in circles? Measure how likely a phrase is if it stands in the
# text already: once, twice, ten times. Take a sentence of a held-out story, write ten copies of it in a row, and let the
# model read them. Everything is inside its window. To see where an effect comes from, switch off what may cause it: do the
# same once more with a mask that hides the earlier copies.


# %%
plain = GPT(**sizes_of(model))  # the same model; its blocks take any mask
plain.load_state_dict(model.state_dict())


@torch.no_grad()
def bits_of_copies(ids, copies=10, blind=False):
    """Bits a token of each copy, when one phrase stands `copies` times in a row; blind:
    nobody sees anything of the copies before.
    """
    text, n = torch.tensor([[end, *ids * copies]]), len(ids)
    query, key = torch.arange(copies * n)[:, None], torch.arange(copies * n)
    mask = key <= query
    if blind:  # the token itself, the start of the text, and this copy
        mask &= (key == query) | (key == 0) | ((key - 1) // n == query // n)
    x = plain.embed(text[:, :-1])
    for block in plain.blocks:
        x = block(x, mask)
    nats = functional.cross_entropy(plain.logits(x)[0], text[0, 1:], reduction="none")
    return nats.view(copies, n).mean(dim=1) / math.log(2)


# %%
phrases = [
    ids
    for story in stories[-300:]
    for sentence in sentences(story)
    if 8 <= len(ids := tokenizer.encode(" " + sentence)) <= 25
][:40]
rng = torch.Generator().manual_seed(0)
thrown = torch.randint(2048, (40, 12), generator=rng).tolist()

# %% tags=["training"]
copied = {
    (kind, blind): torch.stack([bits_of_copies(ids, blind=blind) for ids in texts])
    for kind, texts in (("sentences", phrases), ("random tokens", thrown))
    for blind in (False, True)
}
for (kind, blind), bits in copied.items():
    first, second, *_, last = bits.mean(dim=0).tolist()
    print(f"{kind}{', blind' * blind}: {first:.2f}, then {second:.2f}, ... {last:.2f}")

# %% tags=["training"] jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.4))
for axes, kind in zip(panels, ("sentences", "random tokens"), strict=True):
    lines = {
        "the course's GPT": (copied[kind, False].mean(dim=0), "o-"),
        "... that sees one copy only": (copied[kind, True].mean(dim=0), "^:"),
        "SmolLM2, recorded": (recorded["copies"][kind], "s--"),
    }
    for name, (bits, look) in lines.items():
        axes.plot(range(1, 11), bits, look, label=name)
    axes.set(xlabel="copy", title=kind, ylim=(0, None))
panels[0].set_ylabel("surprise (bits a token)")
figure.legend(
    *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3
)
plt.show()

# %% jupyter={"source_hidden": true}
assert all(1 + 10 * len(ids) <= 320 for ids in phrases + thrown)
seen, hidden = (copied["sentences", blind].mean(dim=0) for blind in (False, True))
assert seen[0] - seen[1] > 1.2 and hidden[1] - seen[1] > 0.8
assert (hidden[1:] - seen[1:]).min() > 0.6 and seen[9] - seen[1] > 0.5
assert all(copied["random tokens", blind].mean(dim=0).min() > 25 for blind in (0, 1))
bits = recorded["copies"]["sentences"]
assert bits == sorted(bits, reverse=True)
assert [round(bits[i], 1) for i in (0, 1, 2)] == [6.4, 1.4, 0.4] and bits[9] < 0.03
bits = recorded["copies"]["random tokens"]
assert [round(bits[i], 1) for i in (0, 1, 6, 9)] == [22.1, 7.0, 1.5, 2.7]
assert bits.index(min(bits)) == 6

# %% [markdown]
# From left to right: the first copy of a phrase, the second, up to the tenth. The lower a point, the likelier the model finds
# this copy; note that the panels have different scales.
#
# **SmolLM2** (16 sentences of Wikipedia). The first copy of a sentence costs 6.4 bits a token, the second 1.4, the third 0.4,
# the tenth below 0.03: the probability of a phrase rises with each repetition. And not for sentences alone: of 12 tokens that
# were thrown at random, the first copy costs 22.1 bits, the second 7.0 and the seventh 1.5. (After that it rises again, to 2.7;
# why, these numbers do not say.) Holtzman et al. found the same rise of probability for GPT-2 Large, for nearly every phrase
# that they tried.
#
# How does it work? A Transformer can *look up* what came next the last time: attention finds the earlier place that looks like
# the newest token, and copies the token after it. Heads that do this have been found in many models and are called **induction
# heads** (Olsson et al. 2022; in SmolLM2 we did not look for them). They are useful. A name that was mentioned comes
# again, a refrain and a table repeat themselves. But they make a loop that feeds itself: the more often a phrase was written,
# the likelier it is, and the likelier it is, the sooner it is written again.
#
# **The course's GPT.** Here we can switch the look at the copies off, and so we see what it is worth: the second copy of a
# sentence is about a bit a token cheaper when the first one can be seen. But there it ends. From the third copy on the line does
# not fall, it rises, with the copies in sight and without: no story that the model learned from goes on like this. And
# tokens thrown at random are not copied at all. (They cost 27 bits, more than the 11 bits of a blind guess: the model is sure
# of something else.) So this model copies a little and does *not* have the loop that feeds itself, and its greedy text above
# did not go in circles. A likely reason is that its stories hardly ever repeat a group of words, so that it never paid to copy a
# whole phrase; the web is full of lists, refrains and copied pages.
#
# Greedy decoding cannot leave such a loop as long as the repeated token is the likeliest. A sampler can, at every token, and
# how soon depends on the probabilities. **A worked number.** If each token of a phrase of 10 tokens is repeated with
# probability 0.99, a whole copy follows with probability 0.99¹⁰ = 0.90; the loop holds for about ten copies. At 0.9 it is
# 0.35, and most loops end in the first copy.
#
# (There is a second, less interesting way to loop. A greedy writer that sees its last n tokens only must repeat itself at
# some time, whatever it has learnt: there are finitely many windows of n tokens, and after the same window comes the same
# token. That has nothing to do with likely phrases, and it is not what you saw at the top.)
#
# So there are two enemies. The head of the distribution, taken alone, is dull and goes in circles; the tail brings accidents. What
# people call sampling methods are ways to draw from what lies between.

# %% jupyter={"source_hidden": true}
assert round(0.99**10, 2) == 0.90 and round(0.9**10, 2) == 0.35
assert round(0.95**20, 2) == 0.36

# %% [markdown]
# ## Leaving out the tail: top-k
# The first way counts: keep the k likeliest tokens, leave out the rest (Fan et al. 2018, with k = 10). With S for the set of
# the k likeliest tokens,
#
# $$p'_i = \frac{p_i}{\sum_{j \in S} p_j} \ \text{ for } i \in S, \qquad p'_i = 0 \ \text{ for all others}$$
#
# **A worked number.** k = 2 on our four words keeps 8 and 4 of 16: *mat* has ⅔, *sofa* ⅓.
#
# In logits the division need not be written: set the others to −∞, and the softmax that follows divides by what is left. All
# truncation below has this form; only the set S differs.
#
# ## Exercise 12.5 · top_k
# Keep the `k` largest logits of each row as they are; -inf for the others. Keep what equals the smallest one kept, too. A
# `k` beyond the vocabulary keeps all; the first lines refuse a `k` that is no int, such as 5.0. Difficulty ●●○ ·
# 8 minutes.
#
# <details><summary>selected index k out of range</summary>More than there are cannot be asked for:
# <code>min(k, logits.shape[-1])</code>.</details>
# <details><summary>Where do the places come from?</summary>You need none: find the k-th largest value of each row and
# compare, <code>logits < least</code>. Keep its axis: <code>[..., -1:]</code>.</details>


# %% exercise="top_k" difficulty=2 minutes=8
def top_k(logits, k):
    """Keep the k largest logits of each row, and what equals the smallest of them; -inf
    for the others (Fan 2018).

    Returns the shape and dtype of logits; a k beyond the vocabulary keeps all. Raises
    ValueError when k is below 1 or not an int, as 5.0 is not.
    """
    if not isinstance(k, int) or k < 1:
        raise ValueError(
            f"k={k} is not a whole number from 1 on; 1 keeps the likeliest token only"
        )
    ### BEGIN SOLUTION
    least = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
    return logits.masked_fill(logits < least, -math.inf)
    ### END SOLUTION


# %% check="top_k"
from lib.checks import check

top_k = check("top_k")

# %%
show("top-k, k = 5", lambda logits: top_k(logits, 5))

# %% jupyter={"source_hidden": true}
assert open_place.softmax(dim=-1).topk(5).values.sum() < 0.6
assert top_k(sure_place, 5)[tokenizer.encode(" June")] > -math.inf

# %% [markdown]
# At the sure place, on the right, five tokens are too many: *June* stays, and nobody sits in June. At the open place five are
# too few: over 0.4 of the probability was elsewhere, in words that would have been fine. One k cannot fit both places. What
# the next methods have in common is that the number of tokens follows the distribution.
#
# ## Top-p: the nucleus
# Count probability instead of tokens. Sort the tokens from the likeliest down, and keep the shortest beginning of this list
# that has at least p of the probability together. Holtzman et al. call this set the **nucleus**, and the method **nucleus
# sampling**; as an option of programs it is called **top-p**. With $p_{(1)} \ge p_{(2)} \ge \dots$ for the sorted
# probabilities, S holds the first n tokens, where
#
# $$n = \min \Big\{ m : \sum_{r=1}^{m} p_{(r)} \ge p \Big\}$$
#
# **A worked number.** p = 0.8 on our four words: *mat* and *sofa* have 0.75 together, which is not enough, so *table* is
# needed and the nucleus has 0.875. But *moon* is exactly as likely as *table*. Here we keep equals together, so all four
# stay. For p = 0.7 *mat* and *sofa* are enough.
#
# **What it fixes.** A sure place keeps one or two tokens, an open place many, out of the same p. That is what top-k could not do.
#
# ## Exercise 12.6 · top_p
# Sort, add up the probabilities from the likeliest down, and keep tokens until the sum reaches `p`; exactly `p` is enough.
# The token that gets there is kept, and what equals it. -inf for the others, each logit in its place. Difficulty ●●● ·
# 15 minutes.
#
# <details><summary>Which are kept?</summary>Those whose likelier ones have less than p *together*: the running sum
# (<code>cumsum</code>) minus their own probability.</details>
# <details><summary>How do I get back to the vocabulary's order?</summary>You need not: find the smallest logit that is
# kept, and compare all with it.</details>


# %% exercise="top_p" difficulty=3 minutes=15
def top_p(logits, p):
    """Keep the likeliest tokens that together reach the probability p; -inf for the
    others (Holtzman et al. 2020).

    The token that crosses p is kept, and what is as likely as that one. In other words:
    out goes what has tokens above it that already have p together; exactly p is enough
    (where rounding decides, either is right). p = 1 changes nothing.

    Returns the shape and dtype of logits. Raises ValueError when p is not in (0, 1].
    """
    if not 0 < p <= 1:
        raise ValueError(
            f"p={p} is not above 0 and at most 1; 1 keeps everything, 0.9 is usual"
        )
    if p == 1:  # a sum of rounded numbers may reach 1 too early
        return logits
    ### BEGIN SOLUTION
    ordered = logits.sort(dim=-1, descending=True).values
    probabilities = ordered.softmax(dim=-1)
    # what the likelier ones have together: 0 for the first
    above = probabilities.cumsum(dim=-1) - probabilities
    least = ordered.masked_fill(above >= p, math.inf).amin(dim=-1, keepdim=True)
    return logits.masked_fill(logits < least, -math.inf)
    ### END SOLUTION


# %% check="top_p"
from lib.checks import check

top_p = check("top_p")

# %%
show("top-p, p = 0.8", lambda logits: top_p(logits, 0.8))

# %% jupyter={"source_hidden": true}
assert (top_p(four, 0.7) > -math.inf).tolist() == [True, True, False, False]
# table crosses, moon is its twin
assert (top_p(four, 0.8) > -math.inf).tolist() == [True, True, True, True]
assert (top_p(sure_place, 0.8) > -math.inf).sum() == 1 and (
    top_p(open_place, 0.8) > -math.inf
).sum() > 9

# %% [markdown]
# Now the number adapts: one word right, many left. (Of equal tokens, other libraries may keep one only; which, their sorting
# decides.)
#
# **What it does not fix.** A flat distribution with a long tail needs very many tokens to reach p, unlikely ones among them. And at
# a sure place the nucleus may be a single word although others are possible: Hewitt et al. (2022) show that after *Donald* it
# may leave *Trump* alone.
#
# ## Min-p: a bar
# Do not count, set a bar: keep every token that has at least a share p of the probability of the likeliest (Nguyen et al. 2024).
#
# $$S = \big\{ i : p_i \ge p \cdot \max_j p_j \big\}, \qquad \text{in logits: } z_i \ge \max_j z_j + \ln p$$
#
# The second form follows by taking logarithms: the sum of the softmax divides both sides and cancels. So min-p asks how far below
# the largest logit a token lies, and nothing else.
#
# **A worked number.** p = 0.3 on our four words: the bar is 0.3 · 0.5 = 0.15. *mat* and *sofa* pass, *table* and *moon* with
# 0.125 do not. With p = 0.2 the bar is 0.1, and all pass.
#
# **What it fixes.** How many tokens lie in the tail does not matter any more: a thousand unlikely tokens have much
# probability *together*, but none of them comes near the likeliest.
#
# ## Exercise 12.7 · min_p
# Keep the logits of the tokens with at least `p` times the probability of the row's likeliest (exactly `p` times is
# enough), as they are; -inf for the others. Difficulty ●●○ · 6 minutes.
#
# <details><summary>With logits or with probabilities?</summary>Either works. With logits, times p becomes plus log p, and
# no softmax is needed: the sum that it divides by cancels.</details>


# %% exercise="min_p" difficulty=2 minutes=6
def min_p(logits, p):
    """Keep the tokens that have at least p times the probability of the likeliest; -inf
    for the others (Nguyen 2024). Where rounding decides, either is right.

    Returns the shape and dtype of logits. Raises ValueError when p is not in (0, 1].
    """
    if not 0 < p <= 1:
        raise ValueError(
            f"p={p} is not above 0 and at most 1; 1 keeps the likeliest token only, "
            "0.05 is usual"
        )
    ### BEGIN SOLUTION
    # the softmax divides all by one sum: it cancels
    least = logits.amax(dim=-1, keepdim=True) + math.log(p)
    return logits.masked_fill(logits < least, -math.inf)
    ### END SOLUTION


# %% check="min_p"
from lib.checks import check

min_p = check("min_p")

# %%
show("min-p, p = 0.1", lambda logits: min_p(logits, 0.1))

# %% jupyter={"source_hidden": true}
assert (min_p(four, 0.3) > -math.inf).tolist() == [True, True, False, False]
assert (min_p(four, 0.2) > -math.inf).all()
assert (min_p(sure_place, 0.1) > -math.inf).sum() == 1 and (
    min_p(open_place, 0.1) > -math.inf
).sum() > 9

# %% [markdown]
# ## Question 12.4 · kept_tokens
# Six tokens have the probabilities 0.4, 0.25, 0.15, 0.1, 0.06 and 0.04. How many of them does top-p keep with p = 0.7, and how
# many does min-p keep with p = 0.2? Answer `(by top-p, by min-p)`.

# %% question="kept_tokens" difficulty=1 minutes=3
### BEGIN SOLUTION
kept_tokens = (3, 4)
### END SOLUTION

# %% check="kept_tokens"
from lib.checks import check

kept_tokens = check("kept_tokens")

# %% [markdown]
# ## Typical sampling: cut at both ends
# All three ways above keep the likeliest token always. But you saw that what people write is not made of likeliest tokens:
# its surprise goes up and down around the entropy. Meister et al. (2022) take this as the rule. A token is **locally
# typical** if its surprise is close to the entropy H of its position. Sort the tokens by their distance
#
# $$d_i = \big| -\log_2 p_i - H \big|$$
#
# from the smallest up, and keep the shortest beginning of this list whose probability reaches τ (tau). It is the recipe of
# the nucleus, with another order.
#
# **A worked number.** Our four words have H = 1.75 bits. The distances are |1 − 1.75| = 0.75 for *mat*, |2 − 1.75| = 0.25 for
# *sofa*, and |3 − 1.75| = 1.25 for *table* and *moon*. So *sofa* comes first. For τ = 0.2 it stays alone, and the likeliest
# word is left out; for τ = 0.7 *mat* joins it.


# %%
def typical(logits, mass):
    """Keep the tokens whose surprise is nearest to the entropy, and that together reach
    the probability `mass`; -inf for the others.
    """
    surprise = -logits.log_softmax(dim=-1) / math.log(2)
    distance = (surprise - entropy(logits)[..., None]).abs()
    ordered, order = distance.sort(dim=-1)
    p = logits.softmax(dim=-1).gather(-1, order)
    above = p.cumsum(dim=-1) - p  # what the nearer ones have together
    furthest = ordered.masked_fill(above >= mass, 0).amax(dim=-1, keepdim=True)
    return logits.masked_fill(distance > furthest, -math.inf)


for mass in (0.2, 0.7):
    left = (typical(four, mass) > -math.inf).tolist()
    kept = [word for word, stays in zip(words, left, strict=True) if stays]
    print(f"typical {mass}: {kept}")

# %% jupyter={"source_hidden": true}
assert (typical(four, 0.2) > -math.inf).tolist() == [False, True, False, False]
assert (typical(four, 0.7) > -math.inf).tolist() == [True, True, False, False]

# %% [markdown]
# The code is nearly that of `top_p`; only the order is another one.
#
# **What it fixes.** It leaves out the tail, and where several tokens compete it can leave out the likeliest, too, so that it is
# less easily caught in a loop. Usual values of τ lie between 0.2 and 0.95.
#
# ## Question 12.5 · typical_kept
# One token has probability 0.3, and seven tokens have 0.1 each. How many tokens does typical sampling keep with τ = 0.6?
# (log₂ 0.3 = −1.74, log₂ 0.1 = −3.32. Equals are kept together, as in `typical`.)

# %% question="typical_kept" difficulty=3 minutes=5
### BEGIN SOLUTION
typical_kept = 7
### END SOLUTION

# %% check="typical_kept"
from lib.checks import check

typical_kept = check("typical_kept")

# %% [markdown]
# ## In which order?
# Temperature and truncation can be applied in two orders, and programs differ. `lib.decoding.sampling.Sampling`, like Hugging
# Face's library, applies the temperature first.
#
# ## Question 12.6 · left_after
# Our four words again, with 8, 4, 2 and 2 sixteenths. How many of them are left if top-p with p = 0.7 comes first and
# temperature 2 second? And how many if temperature 2 comes first? Answer `(top-p first, temperature first)`.

# %% question="left_after" difficulty=2 minutes=4
### BEGIN SOLUTION
left_after = (2, 4)
### END SOLUTION

# %% check="left_after"
from lib.checks import check

left_after = check("left_after")

# %% [markdown]
# > **Predict.** How many tokens are left at the open place, at temperature 1 and at 2? (Temperature first.)

# %%
cuts = {
    "top-k 5": lambda logits: top_k(logits, 5),
    "top-p 0.8": lambda logits: top_p(logits, 0.8),
    "min-p 0.1": lambda logits: min_p(logits, 0.1),
    "typical 0.8": lambda logits: typical(logits, 0.8),
}
left = {
    (name, t): int((cut(open_place / t) > -math.inf).sum())
    for name, cut in cuts.items()
    for t in (1, 2)
}
print("temperature    1     2")
for name in cuts:
    print(f"{name:11} {left[name, 1]:4} {left[name, 2]:5}")

# %% jupyter={"source_hidden": true}
assert left["top-p 0.8", 2] > 3 * left["top-p 0.8", 1]
assert left["top-p 0.8", 2] > 3 * left["min-p 0.1", 2]
assert left["typical 0.8", 2] > 3 * left["typical 0.8", 1]
# the other order
assert (top_p(open_place, 0.8) / 2 > -math.inf).sum() == left["top-p 0.8", 1]

# %% [markdown]
# Here top-p and min-p part. A flatter distribution needs many more tokens to reach 0.8, over three times as many as at
# temperature 1; but only few come near the likeliest. So with a high temperature, min-p keeps the tail out where top-p lets
# it in again. Typical sampling collects
# probability until it has 0.8 as well, so it lets in as many as top-p here. Read the difference, at temperature 2 and with the
# same generator each time:

# %% tags=["training"]
cut_texts = {}
for name, cut in {"nothing left out": lambda logits: logits, **cuts}.items():
    text = write(lambda logits, ids, cut=cut: cut(apply_temperature(logits, 2)))
    cut_texts[name] = text
    print(f"temperature 2, {name} | {text}\n  in no story: {strange(text)}\n")

# %% jupyter={"source_hidden": true}
assert len(strange(cut_texts["nothing left out"])) > 2
assert not strange(cut_texts["min-p 0.1"])

# %% [markdown]
# All four on one distribution, with invented logits: the temperature comes first, then top-k, top-p and min-p. A dashed
# frame shows what a word had before anything was cut.

# %% jupyter={"source_hidden": true}
from lib.widgets import widget

widget("sampling")

# %% [markdown]
# ## Penalties
# Truncation works against accidents. Against loops there is a more direct way: lower the logit of every token that was
# written already. Keskar et al. (2019) divide it by a **repetition penalty** θ (theta), with θ ≈ 1.2. If g is the set of the
# tokens that were written,
#
# $$z'_i = \begin{cases} z_i / \theta & i \in g,\ z_i > 0 \\ z_i \cdot \theta & i \in g,\ z_i \le 0 \\ z_i & i \notin g \end{cases}$$
#
# The second line is not in the paper, which divides always. But −2 divided by 2 is −1, and that is *more* likely than before;
# so the libraries multiply what is below 0. A token counts once, however often it was written.
#
# **A worked number.** *mat* and *table* were written, θ = 2. *mat* has 2.08 / 2 = 1.04, *table* 0.69 / 2 = 0.35. The powers
# of e are 2.83, 4, 1.41 and 2, with the sum 10.24: *mat* falls from 0.5 to 0.28, and *sofa* rises from 0.25 to 0.39.
#
# Two relatives: the **presence penalty** subtracts one number from the logit of everything that was written, and the
# **frequency penalty** a number for each time. And **n-gram blocking** (Paulus et al. 2017 for n = 3) forbids every token
# that would write a group of n tokens a second time.
#
# ## Exercise 12.8 · repetition_penalty
# For each token in `ids` (..., position), divide its logit by `penalty` where it is above 0, and multiply it where it is not. The
# others stay as they are. A token counts once, however often it stands there. Difficulty ●●○ · 8 minutes.
#
# <details><summary>How do I take the logits of some ids?</summary><code>logits.gather(-1, ids)</code>, and back with
# <code>logits.scatter(-1, ids, lowered)</code>.</details>
# <details><summary>A token that stands there twice is lowered twice</summary>Do not multiply in place in a loop over the ids. Both
# places of the gathered logits hold the same number, and <code>scatter</code> writes it back once.</details>


# %% exercise="repetition_penalty" difficulty=2 minutes=8
def repetition_penalty(logits, ids, penalty):
    """Lower the logits of tokens that were written before: the positive are divided,
    the others multiplied by penalty.

    logits: (..., vocab)
    ids: (..., position), what was written; a token counts once, however often it stands
        there

    Returns (..., vocab). Raises ValueError when penalty is not a number above 0; 1
    changes nothing.
    """
    if not 0 < penalty < math.inf:
        raise ValueError(
            f"penalty={penalty} is not above 0; 1 changes nothing, 1.2 is usual"
        )
    ### BEGIN SOLUTION
    seen = logits.gather(-1, ids)  # (..., position)
    # subtle: dividing -2 would raise it
    lowered = torch.where(seen > 0, seen / penalty, seen * penalty)
    return logits.scatter(-1, ids, lowered)
    ### END SOLUTION


# %% check="repetition_penalty"
from lib.checks import check

repetition_penalty = check("repetition_penalty")

# %%
so_far = torch.tensor(
    [*ids_of("Tom sat in the kitchen and ate a piece of"), *open_place.topk(3).indices]
)
show(
    "penalty 1.5 on the prompt and the first three fruits",
    lambda logits: repetition_penalty(logits, so_far, 1.5),
)

# %% jupyter={"source_hidden": true}
assert [
    repetition_penalty(sure_place, so_far, 1.5).argmax().item()
] == tokenizer.encode(" June")
mat, sofa, *_ = repetition_penalty(four, torch.tensor([0, 2]), 2).softmax(-1).tolist()
assert round(mat, 2) == 0.28 and round(sofa, 2) == 0.39

# %% [markdown]
# On the left the three fruits that were named are unlikely now, and the others likelier. That is what the penalty is for. On
# the right *the* was written in the prompt, too, so now *June* is in front. The penalty cannot know which words must come
# back: *the*, the full stop and the hero's name are lowered like the rest.
#
# ## Question 12.7 · penalised_share
# Two tokens with the same logit; the first was written, the second was not; penalty 2. With what probability is the first
# drawn if both logits are 0? And if both are 4? Answer `(at 0, at 4)`.

# %% question="penalised_share" difficulty=2 minutes=4
### BEGIN SOLUTION
penalised_share = (0.5, 1 / (1 + math.exp(2)))
### END SOLUTION

# %% check="penalised_share"
from lib.checks import check

penalised_share = check("penalised_share")

# %% [markdown]
# Does the penalty break the loop at the top, and what does it break besides? First the numbers that were recorded for
# SmolLM2, then 24 stories by the course's GPT, drawn at temperature 1 with and without a penalty. `names_kept` says whether a
# story has at most two heroes and one neighbour from its first to its last word, as in the stories that the model learned
# from.

# %%
for name in ("people", "greedy", "greedy, penalty 1.3"):
    row = recorded["ways"][name]
    print(f"{name:20} repeated {row['repeated']:.0%}, {row['surprise']:.2f} bits")

real = stories[-24:]
starts = [ids_of(story)[:8] for story in real]


def tell(change, limit=290):
    """24 stories, each from the beginning of a held-out one."""
    rows = write_all(starts, change, limit, stop=[[end]])
    return [
        tokenizer.decode(token for token in start + new if token != end)
        for start, new in zip(starts, rows, strict=True)
    ]


def look_at(texts):
    """Texts that keep their names, words a full stop, words a story."""
    kept = sum(map(names_kept, texts)) / len(texts)
    n_words = sum(len(text.split()) for text in texts)
    full_stops = sum(text.count(".") for text in texts)
    return (
        f"names kept in {kept:.0%}, {n_words / full_stops:.1f} words for each "
        f"full stop, {n_words / len(texts):.0f} words a story"
    )


# %% tags=["training"]
told = {
    "T 1": tell(lambda z, ids: z),
    "T 1, penalty 1.3": tell(lambda z, ids: repetition_penalty(z, ids, 1.3)),
    "held-out stories": real,
}
for name, texts in told.items():
    print(f"{name:17} {look_at(texts)}")


# %% jupyter={"source_hidden": true}
def n_kept(name):
    return sum(map(names_kept, told[name]))


def words_a_stop(name):
    text = " ".join(told[name])
    return len(text.split()) / text.count(".")


assert n_kept("T 1, penalty 1.3") < n_kept("T 1") < n_kept("held-out stories") == 24
assert abs(words_a_stop("T 1, penalty 1.3") / words_a_stop("T 1") - 1) < 0.1
assert recorded["ways"]["greedy, penalty 1.3"]["repeated"] < 0.01
assert recorded["ways"]["greedy, penalty 1.3"]["surprise"] > 3

# %% [markdown]
# The penalty breaks the loop of SmolLM2: a third of its groups of four came again, and with the penalty not one does. (People do
# repeat a group now and then.) In the stories it has its price. The names that should come back are lowered, and strangers walk
# in: fewer stories keep their names. The full stop and the token that ends a story were lowered as well, but sentences and
# stories are about as long as before: where the model is very sure of a token, a penalty of 1.3 does not bring another in front.
#
# ## On real text
# What does each way bring, and what does it cost? 24 held-out stories begin, 7 tokens each, and the model goes on in ten
# ways. Both the stories and the model's text were made by programs; what SmolLM2 does where people wrote comes below. Two
# measures, in groups of words:
#
# - **diversity**: of all groups of four words that are written, in all 24 texts together, how many are different;
# - **quality**: of all groups of three, how many stand somewhere in the 7,200 stories that the model learned from. Nonsense does
#   not.

# %%
ways = {
    "greedy": likeliest_only,
    "T 0.75": lambda z, ids: apply_temperature(z, 0.75),
    "T 1": lambda z, ids: z,
    "T 1, top-p 0.9": lambda z, ids: top_p(z, 0.9),
    "T 1, typical 0.9": lambda z, ids: typical(z, 0.9),
    "T 1, penalty 1.3": lambda z, ids: repetition_penalty(z, ids, 1.3),
    "T 2": lambda z, ids: apply_temperature(z, 2),
    "T 2, top-p 0.9": lambda z, ids: top_p(apply_temperature(z, 2), 0.9),
    "T 2, top-k 5": lambda z, ids: top_k(apply_temperature(z, 2), 5),
    "T 2, min-p 0.1": lambda z, ids: min_p(apply_temperature(z, 2), 0.1),
}


def groups(words, n):
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


known = {group for story in stories[:-300] for group in groups(story.split(), 3)}


def diversity(texts):
    found = [group for text in texts for group in groups(text.split(), 4)]
    return len(set(found)) / len(found)


def quality(texts):
    found = [group for text in texts for group in groups(text.split(), 3)]
    return sum(group in known for group in found) / len(found)


# %% [markdown]
# > **Predict.** In which of the two is greedy best, in which worst? Which ways come close to the held-out stories?

# %% tags=["training"]
for name, change in ways.items():
    if name not in told:  # two are there already
        told[name] = tell(change)
places = {name: (diversity(told[name]), quality(told[name])) for name in told}
for name in [*ways, "held-out stories"]:
    d, q = places[name]
    print(f"{name:17} diversity {d:.2f}   quality {q:.2f}")

# %% tags=["training"] jupyter={"source_hidden": true}
names = list(ways)
figure, panels = plt.subplots(1, 2, figsize=(7.6, 3.8), sharey=True)
for axis, (axes, title) in enumerate(
    zip(panels, ("diversity", "quality"), strict=True)
):
    target = places["held-out stories"][axis]
    axes.axvline(target, color="grey", ls="--", lw=1.2)
    axes.annotate(
        "held-out\nstories",
        (target, -0.9),
        xytext=(-3, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=7,
        color="dimgrey",
    )
    for row, name in enumerate(names):
        axes.plot([target, places[name][axis]], [row, row], color="lightgrey", zorder=1)
        axes.plot(places[name][axis], row, "so"[axis], color=f"C{axis}", zorder=2)
    axes.set(xlim=(0, 1.05), xlabel=f"{title} (share of groups)")
panels[0].set_yticks(range(len(names)), names)
panels[0].set_ylim(len(names) - 0.5, -1.5)
plt.show()

# %% jupyter={"source_hidden": true}
assert len(stories[:-300]) == 7200
d, q = ({name: place[i] for name, place in places.items()} for i in (0, 1))
assert d["greedy"] == min(d.values()) < 0.7 and q["greedy"] == max(q.values())
for name in ("T 0.75", "T 1, top-p 0.9", "T 1, typical 0.9"):
    assert abs(d[name] - d["held-out stories"]) < 0.05
    assert abs(q[name] - q["held-out stories"]) < 0.05
assert q["T 2"] < q["T 1"] - 0.5 and q["T 1"] < q["held-out stories"] + 0.02
assert q["T 2"] < q["T 2, top-p 0.9"] < 0.5 < q["T 2, top-k 5"] < q["T 2, min-p 0.1"]
assert q["T 1, penalty 1.3"] < q["T 1"] - 0.05
assert sum(repeated(text.split()) for text in told["greedy"]) / 24 < 0.05

# %% [markdown]
# One row for each way, from greedy at the top. The dashed line is what held-out stories have; the grey bar is the distance
# from it. A good way lies on both lines at once.
#
# - Greedy decoding has the best quality and by far the least diversity. No story goes in circles, but the 24 stories
#   share half of their groups: they are of one kind.
# - T = 1 is close to the held-out stories; what it lacks in quality is the tail. Without the tail, by T = 0.75, by top-p or by
#   typical sampling, the model is within a few hundredths of both lines.
# - At T = 2 most of the text is nonsense. Top-p saves little of it, top-k more and min-p most.
# - The penalty costs quality: what it brings in instead of a word that was written is often wrong.
#
# Both measures see a few words at a time. Whether Tom is still Tom at the end, they do not see.
#
# And for text that people wrote? Here is how SmolLM2 goes on after the sentence at the top with top-p 0.9, and, for the 12
# paragraphs, how far each way is from what people wrote in surprise and in repetitions:

# %%
print(recorded["opening"], "|", recorded["texts"]["top-p 0.9"], "\n")
people = recorded["ways"]["people"]
for name, row in by_surprise:
    off = row["surprise"] - people["surprise"]
    print(f"{name:20} surprise {off:+.2f} bits, repeated {row['repeated']:.0%}")

# %% jupyter={"source_hidden": true}
off = {name: row["surprise"] - people["surprise"] for name, row in by_surprise}
assert 0.2 < off["T 1"] < 0.4 and -0.7 < off["top-p 0.9"] < -0.5
assert (
    max(off[name] for name in off if name not in ("people", "T 1", "top-p 0.9")) < -0.9
)
assert max(share["T 1"], share["top-p 0.9"]) < 0.02 < 0.05 < share["min-p 0.1"]

# %% [markdown]
# From the most surprising way to the least. What people wrote lies between sampling at T = 1, which is 0.3 bits above, and
# top-p 0.9, which is 0.6 below; both repeat as seldom as people do. All that stays closer to the likeliest token is further
# away. Min-p 0.1 is, too: with this model a bar at a tenth of the likeliest leaves out so much that the first repetitions are
# there. So the same setting can be mild for one model and strict for another. (12 paragraphs and one seed for each: differences
# of 0.1 bits mean nothing here.)
#
# Which way is best depends on the model and on the task. Where one answer is right, as in translation or arithmetic, one usually
# takes a low temperature or a search; where many texts are good, one samples.
#
# ## What breaks
# **The penalty and the zero.** Add 10 to all logits: the softmax is the same, and so is every token's probability. But the
# penalty divides what is above 0 and multiplies what is below, and where 0 lies, nobody has decided: the training loss does
# not see it.

# %%
before = torch.tensor([0, 1])  # mat, sofa
for shift in (0, 10, -10):
    chances = repetition_penalty(four + shift, before, 1.3).softmax(dim=-1)
    shares = zip(words, chances.tolist(), strict=True)
    print(f"logits {shift:+3}:", ", ".join(f"{word} {c:.2f}" for word, c in shares))
subtracted = four + 10 - torch.tensor([1.0, 1.0, 0.0, 0.0])
print("presence penalty 1:", [round(c, 2) for c in subtracted.softmax(-1).tolist()])

# %% jupyter={"source_hidden": true}
for shift in (0, 10, -10):
    chances = repetition_penalty(four + shift, before, 1.3).softmax(dim=-1)
    assert (chances.argmax() == 0) == (shift == 0)
assert torch.allclose((four + 10).softmax(dim=-1), four.softmax(dim=-1), atol=1e-6)
same = (four - torch.tensor([1.0, 1.0, 0.0, 0.0])).softmax(-1)
assert torch.allclose(subtracted.softmax(-1), same, atol=1e-6)

# %% [markdown]
# The same model and the same penalty: once *mat* stays in front, with other zeros it falls far behind. So a penalty that
# suits one model need not suit the next. The presence penalty subtracts, so a shift of all logits does not change what it
# does; it has the other faults of a penalty all the same.
#
# **Stop sequences.** "Write until the first full stop." Tokens do not care: the full stop may be a token, or half of the
# token `."`, and a stop sequence made of ids misses that one. In text there is no such doubt: `until` of `lib` takes
# pieces of text as they come, and holds back what could be the beginning of a stop.

# %%
full_stop = tokenizer.encode(".")
quoted = tokenizer.encode('."')
print(f"'.' is {full_stop}, and '.\"' is {quoted}")


def stopped(seed, start='"I want a lantern more than anything," said Tom, "because'):
    """A text that was stopped by ids, and what `until` makes of it."""
    pick = picker(lambda logits, ids: top_p(logits, 0.9), seed)
    new = list(generate(CachedGPT(model), ids_of(start), 80, pick, stop=[full_stop]))
    pieces = (tokenizer.decode([token]) for token in new)
    return tokenizer.decode(new), "".join(until(pieces, ["."]))


# %% tags=["training"]
pairs = [stopped(seed) for seed in range(20)]
missed = sum("." in by_ids[:-1] for by_ids, _ in pairs)
print(f"by ids: {pairs[0][0]}\nby text: {pairs[0][1]}")
print(f"a full stop was overlooked in {missed} of 20 texts")

# %% jupyter={"source_hidden": true}
assert len(full_stop) == len(quoted) == 1 and quoted != full_stop
assert missed > 10 and not any("." in by_text for _, by_text in pairs)

# %% [markdown]
# ## In other words
# - **Decoding strategy** (decoding method): the rule that makes a text out of a model's probabilities. **Greedy decoding**:
#   the likeliest token each time. **Maximisation-based decoding**: greedy and beam search together. **Sampling** (ancestral
#   sampling, pure sampling): each token is drawn from the model's own distribution.
# - **Logits** z, **temperature** T (the papers also write τ or t): softmax(z/T). **Truncation**: leaving tokens out before
#   drawing.
# - **Top-k**, **top-p** (**nucleus sampling**; the set is the **nucleus**), **min-p**, **locally typical sampling** (an
#   option called `typical_p` in Hugging Face's library; the paper's τ).
# - **Surprise** (surprisal, information content): −log₂ p. **Entropy** H: the surprise that is expected. **Perplexity**: 2 to
#   the power of the mean surprise in bits, or e to the power of it in nats.
# - **Typical set**: the sequences whose mean surprise is close to the entropy.
# - **Tail**: the many tokens with little probability each. **Degeneration**: bland or repeated text by a good model.
# - **Self-reinforcement**: a repeated phrase becomes likelier by each repetition. **Induction head**: a head that finds an
#   earlier place like this one and copies what followed.
# - **Repetition penalty** θ, **presence penalty**, **frequency penalty**, **n-gram blocking** (`no_repeat_ngram_size`).
# - **n-gram**: n tokens, or words, in a row; the groups of four above are 4-grams.
# - **Stop sequence**, **streaming**: showing each piece as soon as it is there. **Seed**: where the state of a generator
#   begins.
# - **Chi-square test**, **p-value**: are these counts what those probabilities give?
#
# ## Where it comes from
# - Surprise, entropy and the typical set: Shannon 1948, *A mathematical theory of communication*. Temperature: from physics
#   by way of the Boltzmann machine (Ackley, Hinton and Sejnowski 1985).
# - Top-k: Fan et al. [2018](https://arxiv.org/abs/1805.04833), for writing stories from a prompt; beam search gave them
#   common and repeated phrases.
# - Holtzman et al. [2020](https://arxiv.org/abs/1904.09751) asked GPT-2 Large to go on with paragraphs from the web. What
#   people had written had a perplexity of 12.38 under the model, greedy text 1.50, beam search with 16 beams 1.48, pure
#   sampling 22.73, and nucleus sampling with p = 0.95 13.13, next to people's. They showed the repeated phrase that becomes
#   likelier each time, too.
# - Why copies attract: induction heads, Olsson et al. [2022](https://arxiv.org/abs/2209.11895); the self-reinforcement
#   measured, and a training against it, Xu et al. [2022](https://arxiv.org/abs/2206.02369). Training against repetition was
#   proposed before by Welleck et al. [2019](https://arxiv.org/abs/1908.04319).
# - Typical sampling: Meister et al. [2022](https://arxiv.org/abs/2202.00666) report quality that can compete with nucleus and
#   top-k sampling in summaries and stories, and fewer repetitions. Truncation seen as taking back what training smoothed:
#   Hewitt et al. [2022](https://arxiv.org/abs/2210.15191).
# - Min-p: Nguyen et al. [2024](https://arxiv.org/abs/2407.01082) report better quality and diversity, above all at high
#   temperatures. Schaeffer et al. [2025](https://arxiv.org/abs/2506.13681) went through the evidence again and found no
#   advantage over the other samplers when each gets the same number of settings to try. So: a cheap rule with a clear idea,
#   and no proof that it is better.
# - The repetition penalty: Keskar et al. [2019](https://arxiv.org/abs/1909.05858) (CTRL), with greedy decoding and θ ≈ 1.2.
#   Blocking: Paulus et al. [2017](https://arxiv.org/abs/1705.04304).
#
# ## What to remember
# - The likeliest text is not a typical one, and repetition feeds itself; the tail brings accidents. Sampling methods draw
#   from between.
# - Temperature is a power of the probabilities. Top-k keeps a number, top-p a share, min-p what is near the likeliest,
#   typical sampling what is near the entropy. A penalty breaks loops, and the names that should come
#   back with them.
# - The usual order is penalty, temperature, truncation, then drawing, with a generator. Test a sampler with chi-square, and
#   compare with what people write.
#
# **Next**: [13 KV cache](13_kv_cache.ipynb), why the model above did not read its whole text again for every token.
