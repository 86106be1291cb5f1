"""Adversarial models: scores against dense matrices, sums of a pass, and edited passes against one made by hand."""

import math
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from reference_models import exact
from torch import Tensor

import loadstore as ls
from attack.folders import FAMILIES, family, outputs
from attack.oracle import Dense
from attack.passes import ByHand, Gone
from attack.tally import Tally, Wrong
from attack.zoo import zoo
from loadstore.decomposition.decomposition import reader_parts
from loadstore.model.wiring import wiring
from loadstore.sites import Head, Reader, Writer

WIRES, EDITS = 40, 6  # of each model
ROUND = 1e-9  # relative: sums and passes in float64
NOISE = 1e-7  # of chance: a score below it is rounding in both
NARROW = 1e-5  # of chance: scores of matrices of 16 or 32 bits
THEIRS = 1e-8  # relative: what transformers rounds to float32 is undone


def attack(tally: Tally, seed: int, *, few: bool = False) -> None:
    """Try every model of the zoo and of the families, with one seed after the other until the time is up."""
    for turn in range(1 if few else 1000):
        for animal in zoo(seed + turn)[:: 24 if few else 1]:
            where = f"{animal.name} (seed {seed + turn})"
            weights_alone(tally, animal.born(seed + turn), where, random.Random(where), sound=animal.sound)
            passes(tally, animal.born(seed + turn), where, random.Random(where), sound=animal.sound)
            if tally.over and not few:
                return
        for name in () if few else FAMILIES:
            of_family(tally, name, seed + turn)
            if tally.over:
                return


def of_family(tally: Tally, name: str, seed: int) -> None:
    """Try a folder as ``transformers`` saves it: its logits are the library's."""
    where = f"{name} (seed {seed})"
    with TemporaryDirectory() as folder:
        place, theirs = family(name, Path(folder), seed)
        model = tally.attempt("a folder of a family", where, lambda: ls.load(place))
        if model is None:
            return
        ids = [token % model.architecture.vocab for token in (1, 5, 2, 1, 0, 4, 1)]
        with exact(theirs):
            expected = outputs(theirs, ids)
        tally.attempt(
            "a pass against transformers", where, lambda: same(ls.run(model, ids).logits, expected, each=THEIRS)
        )
        weights_alone(tally, model, where, random.Random(where), sound=True)
        passes(tally, model, where, random.Random(where), sound=True)


def weights_alone(tally: Tally, model: ls.Weights, where: str, dice: random.Random, *, sound: bool) -> None:
    """Compare scores of some wires with dense float64 matrices.

    Of a model that is not sound a product of two or three tensors may be zero in the format that is computed in: the
    score is NaN there, as where nothing is written. It is never another number.
    """
    scored = tally.attempt("scores of a model", where, lambda: ls.subspace_scores(model))
    if scored is None or not all(bool(torch.isfinite(tensor).all()) for _, tensor in model.named()):
        return
    dense, wires = Dense(model), wires_of(model)
    for writer, reader in dice.sample(wires, min(WIRES, len(wires))):
        given = float(scored.score.sel(writer=str(writer), reader=str(reader)))
        tally.attempt(
            "a score against dense float64",
            f"{where}: {writer} → {reader}",
            lambda g=given, w=writer, r=reader: agree(g, dense.score(w, r), model, sound=sound),
        )


def passes(tally: Tally, model: ls.Weights, where: str, dice: random.Random, *, sound: bool) -> None:
    """Compare sums of a pass with the whole, and passes with those by hand."""
    ids = [dice.randrange(model.architecture.vocab) for _ in range(min(7, model.architecture.context))]
    wide, network = model.double(), wiring(model)
    trace = tally.attempt("a pass", where, lambda: ls.run(wide, ids, record=True))
    if trace is None:
        return
    tally.attempt("a pass is finite", where, lambda: whole(trace.logits))
    for reader in network.readers:
        tally.attempt("a sum of writers", f"{where}: {reader}", lambda r=reader: summed(trace, r))
    for head in dice.sample(model.architecture.heads, min(3, len(model.architecture.heads))):
        tally.attempt("a sum of score parts", f"{where}: {head}", lambda h=head: scores_summed(trace, h))
    if not sound:
        return
    tally.attempt("a pass against one by hand", where, lambda: same(trace.logits, ByHand(model, ids).logits))
    wires = dice.sample(wires_of(model), min(EDITS, len(wires_of(model))))
    writers = dice.sample(network.writers, min(EDITS, len(network.writers)))
    asked = [(ls.cut(str(w), str(r), by="zero"), Gone(wire=(str(w), str(r)))) for w, r in wires]
    uncut = float(trace.logits.abs().max())
    asked += [(ls.ablate(str(writer), by="zero"), Gone(writer=str(writer))) for writer in writers]
    for edit, gone in asked:
        kind = "an ablation" if gone.writer else "a cut"
        tally.attempt(
            f"{kind} against one by hand",
            f"{where}: {edit}",
            lambda e=edit, g=gone: same(ls.run(wide, ids, [e]).logits, ByHand(model, ids, g).logits, uncut),
        )


def wires_of(model: ls.Weights) -> list[tuple[Writer, Reader]]:
    """Every wire."""
    network = wiring(model)
    return [(writer, reader) for reader in network.readers for writer in network.writers_of(reader)]


def agree(given: float, expected: float, model: ls.Weights, *, sound: bool) -> None:
    """Raise Wrong where a score is not the definition's: to 1e-9, or to 1e-5 of chance from narrow matrices."""
    chance = 1 / math.sqrt(model.architecture.d_model)
    allowed = ROUND * max(given, expected) + NOISE * chance
    allowed += 0 if model.W_E.dtype == torch.float64 else NARROW * chance
    if math.isnan(given) and not sound:
        return
    if math.isnan(given) != math.isnan(expected) or abs(given - expected) > allowed:
        raise Wrong(f"the score is {given!r}, the definition gives {expected!r}")


def summed(trace: ls.Trace, target: Reader) -> None:
    """Raise Wrong where what a reader loads is not the sum of its parts."""
    parts = list(reader_parts(trace, target).values())
    if target.is_mlp:
        whole(sum(parts[1:], parts[0]))
        return
    if target.is_unembed:
        expected = trace.all_logits
    else:
        record = trace.record.layers[target.layer]
        expected = {"Q": record.q, "K": record.k, "V": record.v}[target.head_side][:, :, target.index]
    same(sum(parts[1:], parts[0]), expected, max(float(part.detach().abs().max()) for part in parts))


def scores_summed(trace: ls.Trace, head: Head) -> None:
    """Raise Wrong where the scores of a head are not the sum of their parts."""
    parts = ls.parts.score_parts(trace, head)
    total = parts.sum(["query_writer", "key_writer"]).transpose("query", "key").values
    same(torch.from_numpy(np.asarray(total)), trace.scores(head), float(np.abs(parts.values).max()))


def whole(tensor: Tensor) -> None:
    """Raise Wrong where a number is not finite."""
    if not bool(torch.isfinite(tensor).all()):
        raise Wrong("a number of a pass is not finite")


def same(given: Tensor, expected: Tensor, scale: float = 0.0, each: float = ROUND) -> None:
    """Raise Wrong where two tensors differ by more than rounding, relative to the largest number that was added."""
    if given.shape != expected.shape:
        raise Wrong(f"shapes {list(given.shape)} and {list(expected.shape)}")
    given, expected = given.detach(), expected.detach()
    largest = max(scale, float(expected.abs().max()), float(given.abs().max()))
    apart = float((given - expected).abs().max())
    if not apart <= each * largest + torch.finfo(torch.float64).tiny:
        raise Wrong(f"numbers differ by {apart:.3g}, the largest is {largest:.3g}")
