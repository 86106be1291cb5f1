"""The source of arena.ipynb, a walk along ARENA's "Intro to mech interp"; `python examples/build.py` makes it."""

# %% [markdown]
# # An induction circuit, found and proved
#
# This notebook follows the order of ARENA's "Intro to mech interp" on the model that comes with `loadstore`: an
# attention-only transformer of 2 layers and 12 heads. Everything runs offline, in about a minute. Heads carry the
# numbers that ARENA's model has (`L0.H7`, `L1.H4`, `L1.H10`); the numbers beside them are this model's own, and
# `python examples/arena.py` prints both in one table.
#
# A head **loads** from the residual stream and **stores** to it. Its attention pattern is the token part of an
# address, its weights are the subspace part.

# %%
import numpy as np

import loadstore as ls
from loadstore.decomposition.decomposition import logit_parts, score_parts
from loadstore.heads.patterns import mass_on, role_masks
from loadstore.heads.roles import random_repeats
from loadstore.model.ports import qk

model = ls.load("builtin")
trace = ls.run(model, "the cat sat on the mat. the dog sat on the log.", record=True)
print(model.name, model.architecture.n_layers, "layers of", model.architecture.n_heads, "heads")
print(trace.labels)

# %% [markdown]
# ## Patterns of all heads
#
# One frame, every head. A stripe beside the diagonal is a head that looks at the previous token; a first column is a
# head at rest; single bright cells off the diagonal are the ones to explain. Choose a head to enlarge it.

# %%
ls.show(trace)

# %% [markdown]
# ## Detectors
#
# A picture of one prompt can mislead, so roles are measured: the mean attention on a role's keys, over the queries
# that have such a key, on random tokens that occur twice. Random tokens have no grammar to lean on. Standard errors
# are in the details of each cell.

# %%
roles = ls.head_roles(model)
ls.show(roles)

# %% [markdown]
# ## Induction on repeated random tokens
#
# Fifty random tokens, then the same fifty again. In the second copy a head that finds "what followed this token
# before" makes a stripe 49 places left of the diagonal, and the loss collapses. The two entries that a plain stripe
# has before any repeat are left out of the score: an ideal head gets 1.

# %%
previous = str(roles.previous.to_series().idxmax())
induction = [name for name, score in roles.induction.to_series().items() if score > 0.5]
print("previous-token head:", previous, f"{float(roles.previous.sel(head=previous)):.2f}")
for head in induction:
    row = roles.sel(head=head)
    print("induction head:", head, f"{float(row.induction):.2f} ± {float(row.induction_se):.3f}")

tokens = random_repeats(model, 8)
repeats = ls.run(model, tokens, record=True)
surprise = -repeats.logits.log_softmax(-1)[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0]
print(
    f"loss in nats: first copy {float(surprise[:, :49].mean()):.2f}, second copy {float(surprise[:, 51:].mean()):.2f}"
)

# %% [markdown]
# ## Logit attribution
#
# With the last norm frozen (this model has none) a logit is an exact sum over what was stored at that token. At the
# second `␣sat` the model predicts `␣on`. Who says so?

# %%
on = int(trace.tokens[0, 4])
parts = logit_parts(trace, 10, on).rename("logit")
print("sum less logit:", f"{abs(float(parts.sum()) - float(trace.logits[10, on])):.0e}")
ls.show(parts, title="The logit of ␣on at the second ␣sat, by writer")

# %% [markdown]
# ## Ablations
#
# What is lost when a head stores nothing of its own? Its store is replaced by its mean, because zero is a value that
# the rest of the model never meets, and can even seem to help. The loss is that of second copies. The two induction
# heads back each other up: together they cost much more than the sum of both.

# %%
effects = ls.experiments.ablation_effects(model, [*induction, tuple(induction), previous, "L0.H4"])
for name in effects["head"].values.tolist():
    print(name, f"{float(effects.effect.sel(head=name)):+.2f} ± {float(effects.effect_se.sel(head=name)):.2f} nats")
ls.show(effects)

# %% [markdown]
# ## The OV circuit copies
#
# `W_E W_OV W_U` maps a token that is attended to onto the logits that it raises. If a head copies, the largest entry
# of each row is on the diagonal. The matrix has 4,096 × 4,096 entries and is never formed: it passes by in tiles.
# The eigenvalue score Σλ/Σ|λ| says the same in one number.

# %%
for heads in ([head] for head in induction):
    result = ls.vocabulary.copying(model, heads)
    print(heads, [f"{value:.1%}" for value in result.accuracy.values], f"{float(result.eigenvalue_score):+.2f}")
ls.show(ls.vocabulary.copying(model, induction), title="Copying, both heads together")

# %% [markdown]
# ## The QK circuit of the previous-token head
#
# This model adds positions to the inputs of Q and K in every layer and never to the stream, so `W_pos W_QK W_posᵀ` is
# a matrix of scores of positions for positions. Its causal softmax is what the head would do if tokens did not exist.

# %%
match = qk(model, ls.Head(0, int(previous.split("H")[1])))
scores = model.W_pos @ match.left @ match.right @ model.W_pos.mT / model.architecture.d_head**0.5
allowed = scores.new_ones(scores.shape).tril().bool()
positional = scores.masked_fill(~allowed, -float("inf")).softmax(-1)
best = positional.argmax(-1)[1:]
print(f"best key is the previous position: {float((best == best.new_tensor(range(len(best)))).double().mean()):.1%}")
places = [f"position·{index}" for index in range(24)]
ls.show(places, positional[:24, :24], names=[previous], title=f"{previous} if tokens did not exist")

# %% [markdown]
# ## Decomposing the scores of an induction head
#
# A score is bilinear in two sums: who wrote the query × who wrote the key. Below, each pair's part of the contrast
# between the right key and the mean of all allowed keys, averaged over the second copy. The largest pair is the one
# that the circuit needs: the token's own embedding on Q, what the previous-token head stored on K. Current-token heads
# of layer 0 pass the embedding on, so they stand on Q as well; on K it is one writer.

# %%
pairs = score_parts(repeats, induction[0]).isel(batch=0)
queries = np.arange(52, 100)
period = 50
right = pairs.values[:, :, queries, queries - period + 1]
every = np.stack([pairs.values[:, :, i, : i + 1].mean(-1) for i in queries], -1)
contrast = pairs.isel(query=0, key=0).copy(data=(right - every).mean(-1)).rename("score, right key less mean key")
strongest = np.unravel_index(int(contrast.values.argmax()), contrast.shape)
writer_q, writer_k = (str(contrast[dim].values[i]) for dim, i in zip(contrast.dims, strongest, strict=True))
by_key = contrast.sum("query_writer")
print(
    f"largest pair, {writer_q} on Q × {writer_k} on K: {float(contrast.max()):.1f} of {float(contrast.sum()):.1f} nats"
)
print(f"{writer_k} on K with every writer on Q: {float(by_key.sel(key_writer=writer_k)):.1f}")
ls.show(contrast, title=f"What makes the stripe of {induction[0]}")

# %% [markdown]
# ## The K-composition circuit
#
# If so, then `W_E W_QK (W_OV)ᵀ W_Eᵀ`, query token × token that the previous-token head moved into the key, must be
# largest on its diagonal. Both directions are counted; ARENA prints "query of key".

# %%
for head in induction:
    found = ls.vocabulary.key_composition(model, head, previous)
    print(
        head, {str(way): round(float(found.accuracy.sel(direction=way, k=1)), 3) for way in found["direction"].values}
    )

# %% [markdown]
# ## Composition scores, against an exact null
#
# The same wire without tokens: how much of what a writer stores lies where a side of the head reads? A raw score
# depends on ranks and spectra, so each is set between its chance (a random rotation) and its ceiling: alignment is 0
# at chance and 1 at the most that the spectra allow.

# %%
wires = ls.subspace_scores(model, readers=f"{induction[0]}.*")
print({side: str(wires.alignment.sel(reader=f"{induction[0]}.{side}").to_series().idxmax()) for side in "QKV"})
ls.show(wires)

# %% [markdown]
# ## The proof: cut one path
#
# Remove what the previous-token head stored from the K input of the induction head, and from nothing else.

# %%
mask = role_masks(tokens, model.tokens.bos)["induction"]
for head in induction:
    cut = ls.run(model, tokens, [ls.cut(previous, f"{head}.K")], record=True)
    intact, without = (float(mass_on(run.pattern(head)[:, None], mask)[0].mean()) for run in (repeats, cut))
    print(f"{previous} → {head}.K cut: induction {intact:.2f} → {without:.3f}")

# %% [markdown]
# ## And the head that nobody could explain
#
# In the article that this package grew from, `L0.H4` stayed a riddle. Here is all that can be said of this model's:
# what it attends to, reads, moves and matches, who reads it, and what is lost without it.

# %%
dossier = ls.experiments.dossier(model, "L0.H4")
ls.show(dossier)
