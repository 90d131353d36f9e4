# %% [markdown]
# # 12 · Sampling
# After this notebook you can choose the next token in all the usual ways, and say what each of them costs.
#
# You need: notebooks 08 and 11. You build: temperature, top-k, top-p, min-p, a repetition penalty, and the loop that
# writes. 75 minutes.

# %%
import math

import matplotlib.pyplot as plt
import torch

from lib.decoding.generate import CachedGPT
from lib.decoding.sampling import chi_square, until
from lib.figures import style
from lib.gpt import END, load_stories_gpt

style()

# %% [markdown]
# ## The question
# A GPT gives a number, a **logit**, for each of its tokens. Which one is written? "The likeliest, of course." So let the
# model of notebook 11 always take the likeliest, and write on and on:

# %%
model, tokenizer = load_stories_gpt()
end = tokenizer.special[END]
prompt = [end, *tokenizer.encode("Once there was")]
next_logits = CachedGPT(model)  # ids so far -> logits (vocab,); how it is so fast: notebook 13

# %% [markdown]
# ## By hand
# "The cat sat on the ...": four words and their logits. The softmax makes them positive (e to the power of the logit) and
# divides by the sum. The logits are ln 8, ln 4, ln 2, ln 2, so that the powers are 8, 4, 2, 2, and their sum is 16.
#
# | | mat | sofa | table | moon |
# |---|---|---|---|---|
# | logit | 2.08 | 1.39 | 0.69 | 0.69 |
# | e to that power | 8 | 4 | 2 | 2 |
# | **probability** | **0.5** | **0.25** | **0.125** | **0.125** |
#
# Half of the time *mat*, once in eight times *moon*: that is sampling. All else in this notebook changes the numbers first.
#
# **Temperature** divides the logits. By ½: all are doubled, the powers are squared to 64, 16, 4, 4 and *mat* gets
# 64/88 = 0.73. By 2: square roots, 2.8, 2, 1.4, 1.4, and *mat* gets 0.37.
#
# **Top-2** keeps two: 8 and 4, so ⅔ and ⅓. **Top-p** with p = 0.8 keeps as many as it takes to reach 0.8: *mat* and
# *sofa* have 0.75, so *table* is needed; and *moon*, as likely as *table*, comes along.
#
# ## The picture

# %%
words = ["mat", "sofa", "table", "moon"]
logits = torch.tensor([8.0, 4.0, 2.0, 2.0]).log()
figure, axes = plt.subplots(figsize=(6, 3))
for i, (temperature, hatch) in enumerate(((0.5, "//"), (1.0, ""), (2.0, ".."))):
    chances = (logits / temperature).softmax(dim=-1)
    bars = axes.bar(torch.arange(4) + 0.28 * (i - 1), chances, 0.26, hatch=hatch, label=f"temperature {temperature}")
    axes.bar_label(bars, [f"{chance:.2f}" for chance in chances], fontsize=8)
axes.set(xticks=range(4), xticklabels=words, ylabel="probability", title="the cat sat on the ...")
axes.legend()
plt.show()
