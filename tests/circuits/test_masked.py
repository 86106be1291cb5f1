"""Runs of a circuit: all wires, none, all but one, and any others, for every kind of model."""

import torch
from circuits.naive import circuit_run
from depth import deep
from each import each
from tiny import FEW, HALF, KINDS, OTHER_HALF, UNUSUAL, Kind, few_with, some_tokens, tiny
from torch import Tensor

import loadstore as ls
from loadstore.circuits.live import Live, live
from loadstore.circuits.masked import run_circuit
from loadstore.circuits.reads import frozen
from loadstore.circuits.replaced import replaced
from loadstore.execution.forward import unembed
from loadstore.model.norms import normalise


class Case:
    """A model with two batches of prompts that differ from one token on, ends within them, and its live wires."""

    def __init__(self, kind: Kind, first: int = 0) -> None:
        self.model = tiny(kind)
        self.clean = some_tokens(self.model, 3)
        self.other = self.clean.clone()
        self.other[:, first:] = some_tokens(self.model, 3, seed=1)[:, first:]
        length = self.clean.shape[1]
        self.ends = [length - 1, max(first, length - 2), length - 1]
        self.run, self.source = (ls.run(self.model, tokens, record=True) for tokens in (self.clean, self.other))
        self.live: Live = live(self.model)
        self.base = replaced(self.model, self.source.record, "counterfactual", *self.clean.shape)

    def mask(self, share: float, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return (torch.rand(self.live.exists.shape, generator=generator) < share) & self.live.exists

    def logits(self, mask: Tensor, *, norms: str = "free") -> Tensor:
        scales = {} if norms == "free" else {"scales": frozen(self.run.record)}
        return run_circuit(self.model, self.live, mask, self.clean, self.ends, self.base, **scales)

    def at_ends(self, logits: Tensor) -> Tensor:
        return logits[range(3), self.ends]


@each("kind", deep([*KINDS, *UNUSUAL], usual=[*HALF, *UNUSUAL]), ids=str)
def test_all_wires_give_the_clean_logits_and_none_the_counterfactuals(kind: Kind) -> None:
    for first in (0, 3):
        case = Case(kind, min(first, kind.sizes.context - 1))
        scale = float(case.run.all_logits.abs().max())
        every = case.logits(case.live.exists) - case.at_ends(case.run.all_logits)
        none = case.logits(torch.zeros_like(case.live.exists)) - case.at_ends(case.source.all_logits)
        assert float(every.abs().max()) <= 1e-10 * scale
        assert float(none.abs().max()) <= 1e-10 * scale
        every = case.logits(case.live.exists, norms="frozen") - case.at_ends(case.run.all_logits)
        assert float(every.abs().max()) <= 1e-10 * scale


SHARES = [0.05, 0.3, 0.9]
SHARED = deep([(kind, share) for kind in FEW for share in SHARES], usual=few_with(SHARES, of=OTHER_HALF))


@each(("kind", "share"), [*SHARED, *((kind, 0.3) for kind in UNUSUAL[:4])], ids=str)
def test_any_circuit_is_its_definition(kind: Kind, share: float) -> None:
    case = Case(kind, first=2 if kind.sizes.context > 2 else 0)
    mask = case.mask(share)
    expected = circuit_run(case.run, case.source, case.live, mask)
    error = case.logits(mask) - case.at_ends(expected)
    assert float(error.abs().max()) <= 1e-10 * float(expected.abs().max())


@each("kind", HALF, ids=str)
def test_frozen_norms_give_what_patches_of_all_other_wires_give(kind: Kind) -> None:
    case = Case(kind)
    for mask in (case.mask(0.4), case.mask(0.98)):
        outside = (case.live.exists & ~mask).nonzero().tolist()
        edits = [
            ls.patch(case.live.writers[writer], case.source, reader=case.live.readers[reader])
            for writer, reader in outside
        ]
        expected = ls.run(case.model, case.clean, [*edits, ls.freeze("norms", case.run)]).all_logits
        error = case.logits(mask, norms="frozen") - case.at_ends(expected)
        assert float(error.abs().max()) <= 1e-10 * float(expected.abs().max())


@each("kind", OTHER_HALF, ids=str)
def test_all_wires_but_one_with_frozen_norms_give_the_patch_of_that_wire(kind: Kind) -> None:
    case = Case(kind)
    wires = case.live.exists.nonzero().tolist()
    generator = torch.Generator().manual_seed(3)
    for place in torch.randperm(len(wires), generator=generator)[: deep(12, usual=4)].tolist():
        writer, reader = wires[place]
        mask = case.live.exists.clone()
        mask[writer, reader] = False
        edit = ls.patch(case.live.writers[writer], case.source, reader=case.live.readers[reader])
        expected = ls.run(case.model, case.clean, [edit, ls.freeze("norms", case.run)]).all_logits
        error = case.logits(mask, norms="frozen") - case.at_ends(expected)
        assert float(error.abs().max()) <= 1e-10 * float(expected.abs().max())


@each(("kind", "ablation"), [(kind, ablation) for kind in HALF for ablation in ("mean", "zero")], ids=str)
def test_without_wires_a_run_is_that_of_the_replacements_and_with_all_the_clean_one(kind: Kind, ablation: str) -> None:
    case = Case(kind)
    base = replaced(case.model, case.source.record, ablation, *case.clean.shape)
    logits = run_circuit(case.model, case.live, case.live.exists, case.clean, case.ends, base)
    expected = case.at_ends(case.run.all_logits)
    assert float((logits - expected).abs().max()) <= 1e-10 * float(expected.abs().max())
    nothing = run_circuit(case.model, case.live, torch.zeros_like(case.live.exists), case.clean, case.ends, base)
    if ablation == "mean":
        stream = case.source.record.final.mean(0)
    else:
        constant = [writer for writer in case.live.network.writers if writer not in case.live.writers]
        constant = [writer for writer in constant if writer.kind != "pos" or case.base.pos is None]
        stream = sum((case.source.store(writer) for writer in constant), torch.zeros_like(base.final))[0]
    x = normalise(stream, case.model.norm(None), case.model.architecture.eps)[0]
    expected = unembed(case.model, x[None])[0, case.ends]
    assert float((nothing - expected).abs().max()) <= 1e-10 * float(expected.abs().max())
