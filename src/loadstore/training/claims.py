"""What the built-in model must be and do, each line measured on the file itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import Tokens
from loadstore.causal.engine import rerun
from loadstore.causal.proof import induction_circuit, prove_wire
from loadstore.checkpoints.checkpoint import read_checkpoint
from loadstore.execution.edits import cut
from loadstore.execution.run import run
from loadstore.heads.roles import head_roles, random_repeats, second_copy_loss
from loadstore.model.weights import Weights
from loadstore.scores.scores import subspace_scores
from loadstore.scores.spectra import spectrum
from loadstore.sites import Head

if TYPE_CHECKING:
    import xarray as xr

PREVIOUS = Head(0, 7)
INDUCTION = (Head(1, 4), Head(1, 10))
SENTENCE = "the cat sat on the mat. the dog sat on the log."
SAT, ON = 10, 4
SIGNIFICANT = 0.01


@dataclass(frozen=True, slots=True)
class Claim:
    """One line: what must hold, what was measured, and whether it holds."""

    about: str
    line: str
    measured: str
    holds: bool


@dataclass(frozen=True)
class HeldOut:
    """Text that the model never saw: tokens [sequence, token], and losses of n-gram models on it, in nats."""

    tokens: Tokens
    bigram: Float[Tensor, " sequence"]
    trigram: Float[Tensor, " sequence"]


def read_held_out(path: Path) -> HeldOut:
    """Read the sample that ships beside the built-in model. Raises BadCheckpoint when it is damaged."""
    tensors = read_checkpoint(path).tensors
    return HeldOut(tensors["tokens"].long(), tensors["bigram"].float(), tensors["trigram"].float())


def claims(weights: Weights, held_out: HeldOut) -> Iterator[Claim]:
    """Measure every line on a model whose heads carry the article's numbers."""
    yield from _behaviour(weights, held_out)
    yield from _weights(weights)
    for head in INDUCTION:
        yield from _cause(weights, head)
    yield from _sentence(weights)
    yield from _text(weights, held_out)


def _behaviour(weights: Weights, held_out: HeldOut) -> Iterator[Claim]:
    random = head_roles(weights, "random", sequences=8)
    text = head_roles(weights, held_out.tokens[:, :-1])
    repeats = head_roles(weights)
    first = float(random.previous.sel(head=str(PREVIOUS)))
    yield Claim("behaviour", f"{PREVIOUS} previous-token on 256 random tokens ≥ .95", f"{first:.3f}", first >= 0.95)
    on_text = float(text.previous.sel(head=str(PREVIOUS)))
    yield Claim("behaviour", f"{PREVIOUS} previous-token on held-out text ≥ .9", f"{on_text:.3f}", on_text >= 0.9)
    scores = repeats.induction.to_series().sort_values(ascending=False)
    best = ", ".join(f"{name} {value:.3f}" for name, value in scores.head(4).items())
    many = int((scores > 0.5).sum())
    yield Claim(
        "behaviour", "a head of layer 1 with induction ≥ .9 on random repeats", best, bool(scores.iloc[0] >= 0.9)
    )
    yield Claim("behaviour", "two or three induction heads (above .5), not all twelve", f"{many}", many in (2, 3))
    loss = second_copy_loss(weights, random_repeats(weights, 20))
    yield Claim("behaviour", "second copies ≤ .2 nats", f"{loss:.3f} nats", loss <= 0.2)
    previous = repeats.previous.sel(head=[str(Head(0, i)) for i in range(weights.architecture.n_heads)]).to_series()
    strongest = str(previous.idxmax())
    two = {str(name) for name in scores.index[:2]}
    yield Claim(
        "numbering",
        f"the previous-token head is {PREVIOUS}, the two strongest induction heads {INDUCTION[0]} and {INDUCTION[1]}",
        f"{strongest}; {' and '.join(sorted(two))}",
        strongest == str(PREVIOUS) and two == {str(head) for head in INDUCTION},
    )


def _weights(weights: Weights) -> Iterator[Claim]:
    d = weights.architecture.d_model
    pos, embed = (int(spectrum(weights, site).directions.sel(fraction=0.8)) for site in ("pos", "embed"))
    yield Claim("weights", "W_pos holds 80 % in ≤ 10 directions", f"{pos}", pos <= 10)
    yield Claim("weights", "W_E holds 80 % in ≤ 60 % of d_model", f"{embed} of {d}", embed <= 0.6 * d)
    scores, turned = subspace_scores(weights), subspace_scores(weights, control="reversed", writers="pos")

    def wire(writer: str, reader: str, name: str = "alignment") -> float:
        return float(scores[name].sel(writer=writer, reader=reader))

    for side in ("Q", "K"):
        reader = f"{PREVIOUS}.{side}"
        by_pos, by_embed, p = wire("pos", reader), wire("embed", reader), wire("pos", reader, "p")
        yield Claim(
            "weights",
            f"{reader} aligns with pos above chance and above embed",
            f"pos {by_pos:.3f} ({_tail(p)}), embed {by_embed:.3f}",
            by_pos > max(0.0, by_embed) and p < SIGNIFICANT,
        )
        score, after = wire("pos", reader, "score"), float(turned.score.sel(writer="pos", reader=reader))
        yield Claim("weights", f"pos → {reader} falls under reversal", f"{score:.4f} → {after:.4f}", after < score)
    yield _reads(scores, "embed", f"{PREVIOUS}.V")
    for head in INDUCTION:
        column = scores.sel(reader=f"{head}.K").dropna("writer", subset=["alignment"])
        best = str(column["writer"].values[int(column.alignment.values.argmax())])
        alignment, z = wire(str(PREVIOUS), f"{head}.K"), wire(str(PREVIOUS), f"{head}.K", "z")
        yield Claim(
            "weights",
            f"{PREVIOUS} is the writer most aligned with {head}.K, z ≥ 20, alignment ≥ .25",
            f"most aligned {best}; z {z:.0f}, alignment {alignment:.3f}",
            best == str(PREVIOUS) and z >= 20 and alignment >= 0.25,
        )
        yield _reads(scores, "embed", f"{head}.Q")
        yield _reads(scores, "embed", f"{head}.V")


def _reads(scores: "xr.Dataset", writer: str, reader: str) -> Claim:
    """Whether a writer is the best aligned of all with a reader, above chance."""
    column = scores.sel(reader=reader).dropna("writer", subset=["alignment"])
    best = str(column["writer"].values[int(column.alignment.values.argmax())])
    alignment, z, p = (float(column[name].sel(writer=writer)) for name in ("alignment", "z", "p"))
    return Claim(
        "weights",
        f"{reader} reads {writer}: above chance, and better aligned than any other writer",
        f"most aligned {best}; {writer} {alignment:.3f}, z {z:.0f}, {_tail(p)}",
        best == writer and alignment > 0 and p < SIGNIFICANT,
    )


def _tail(p: float) -> str:
    """A p value, which may be too small for a float."""
    return f"p {p:.0e}" if p > 0 else "p < 1e-300"


def _cause(weights: Weights, head: Head) -> Iterator[Claim]:
    proof = prove_wire(weights, PREVIOUS, head, apart=induction_circuit(PREVIOUS, INDUCTION))
    lowest = min(control.induction for control in proof.controls)
    low, high = min(c.traffic for c in proof.controls), max(c.traffic for c in proof.controls)
    yield Claim(
        "cause",
        f"cutting {PREVIOUS} → {head}.K takes its weight on the right token below .1 and its score below half",
        f"{proof.intact:.3f} → {proof.cut.induction:.3f}",
        proof.cut.induction < min(0.1, proof.intact / 2),
    )
    yield Claim(
        "cause",
        f"{head}: beyond all of {len(proof.controls)} K wires nearest in traffic that can change it",
        f"lowest control {lowest:.3f}; traffic {proof.cut.traffic:.2f}, controls {low:.2f} to {high:.2f} nats",
        proof.beyond_all_controls,
    )


def _sentence(weights: Weights) -> Iterator[Claim]:
    trace = run(weights, SENTENCE, record=True)
    at = {str(head): float(trace.pattern(head)[SAT, ON]) for head in INDUCTION}
    labels = f"{trace.labels[SAT]} → {trace.labels[ON]}"
    measured = ", ".join(f"{head} {weight:.3f}" for head, weight in at.items())
    yield Claim("sentence", f"an induction head attends {labels} with ≥ .9", measured, max(at.values()) >= 0.9)
    probabilities = trace.logits[SAT].softmax(-1)
    first, on = int(probabilities.argmax()), int(trace.tokens[0, ON])
    yield Claim("sentence", "␣on is the first prediction there", f"p {float(probabilities[on]):.3f}", first == on)
    edits = [cut(PREVIOUS, f"{head}.K") for head in INDUCTION]
    after = rerun(trace, edits)
    gone = {str(head): float(after.pattern(head)[SAT, ON]) for head in INDUCTION}
    measured = ", ".join(f"{head} {weight:.3f}" for head, weight in gone.items())
    yield Claim("sentence", f"both K wires cut, {labels} falls below .1", measured, max(gone.values()) < 0.1)


def _text(weights: Weights, held_out: HeldOut) -> Iterator[Claim]:
    logits = run(weights, held_out.tokens[:, :-1]).logits
    loss = float(F.cross_entropy(logits.flatten(0, 1), held_out.tokens[:, 1:].flatten()))
    bigram, trigram = float(held_out.bigram.mean()), float(held_out.trigram.mean())
    yield Claim(
        "text",
        "beats a bigram model of the same corpus on held-out text",
        f"{loss:.3f} nats; bigram {bigram:.3f}, trigram {trigram:.3f}",
        loss < bigram,
    )
