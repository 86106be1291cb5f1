"""Every field of what every public function returns, on a small model: a field that nobody named here counts, too.

The other groups say in words what a number is and keep its id; here an id has the name of the field, and moves with it.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from emerged import small_run
from golden import functions as of
from golden.cases import Case
from golden.leaves import leaves
from golden.summary import Result
from solvable import solvable

Calls = Mapping[str, Callable[[Case], Any]]
ONE_PASS: Calls = {
    "run": lambda c: c.trace,
    "address": lambda c: of.address(c.trace, c.late, -1),
    "walk": lambda c: of.walk(c.trace, c.late, -1, about="row"),
    "listing": lambda c: of.listing(c.trace, top=6),
    "score_parts": lambda c: of.score_parts(c.trace, c.late, -1, 1),
    "output_parts": lambda c: of.output_parts(c.trace, c.late, -1),
    "logit_parts": lambda c: of.logit_parts(c.trace, -1, 3, against=4),
    "residual_parts": lambda c: of.residual_parts(c.trace, 2, -1),
    "loads_of_store": lambda c: of.loads_of_store(c.trace, c.early, 3),
    "loaded": lambda c: of.loaded(c.trace),
    "induction_answers": lambda c: of.induction_answers(c.trace, -2, heads=[c.late, c.last]),
}
WEIGHTS: Calls = {
    "scores": lambda c: of.scores(c.model, readers=f"{c.late}.?"),
    "channels": lambda c: of.channels(c.model, c.early, f"{c.late}.V", top=3),
    "channel_tokens": lambda c: of.channel_tokens(c.model, c.early, f"{c.late}.V", 1, top=2),
    "copying": lambda c: of.copying(c.model, [c.early, c.late], k=(1, 3)),
    "path": lambda c: of.path(c.model, [c.early, c.late], k=(1, 3)),
    "key_composition": lambda c: of.key_composition(c.model, c.late, c.early, k=(1, 3), offset=c.offset),
    "moved": lambda c: of.moved(c.model, c.late, top=3, k=2),
    "matched": lambda c: of.matched(c.model, c.late, top=3, offset=c.offset),
    "spectrum": lambda c: of.spectrum(c.model, c.early),
}
EDITED: Calls = {
    "ablate": lambda c: [of.ablate(c.early, at=[2, -1], seed=3), of.ablate(c.early, channel=1)],
    "cut": lambda c: of.cut(c.early, f"{c.late}.K", by="zero", channel=range(1, 3)),
    "patch": lambda c: of.patch(c.early, c.other, reader=f"{c.late}.V", at=1),
    "freeze": lambda c: of.freeze("patterns", c.other, heads=[c.late]),
    "effect": lambda c: of.effect(c.model, c.batch, [of.ablate(c.early)], of.kl()),
    "sweep": lambda c: of.sweep(c.batched, f"L0.* -> {c.late}.?", metric=of.loss()),
    "kl": lambda c: of.kl(at=-2)(c.other, c.trace),
    "loss": lambda c: of.loss(start=2)(c.other, c.trace),
    "log_probability": lambda c: of.log_probability(3)(c.other, c.trace),
    "logit_difference": lambda c: of.logit_difference(3, 4, at=-2)(c.other, c.trace),
    "probability_difference": lambda c: of.probability_difference(3, 4, at=-2)(c.other, c.trace),
    "pattern_entry": lambda c: of.pattern_entry(c.late, -1, 2)(c.other, c.trace),
}
TEXT: Calls = {
    "moments": lambda c: of.moments(c.model, of.read_corpus(c.model, documents()), readers=f"{c.late}.?"),
    "stream_moments": lambda c: list(of.stream_moments(c.model, documents()).values()),
    "traffic": lambda c: of.traffic(c.model, documents(), readers=f"{c.late}.?"),
    "memory_map": lambda c: of.memory_map(c.model, documents()).to_dict(),
    "lifetimes": lambda c: of.lifetimes(c.model, documents(), checks=4).to_dict(),
    "reach": lambda c: [{**vars(each), "half_life": 0.0} for each in of.reach(c.model, documents()).readers],
    "wires": lambda c: of.wires(c.model, documents(), readers=f"{c.late}.?", top=3, effect=2),
    "roles": lambda c: of.roles(c.model, sequences=2),
    "task": lambda c: of.task(c.model, "induction", pairs=4),
    "attribute": lambda c: of.attribute(solved(c), points=3),
    "circuit_of_size": lambda c: of.circuit_of_size(of.attribute(solved(c)), 40),
    "faithfulness": lambda c: of.faithfulness(of.circuit_of_size(of.attribute(solved(c)), 40), solved(c).judge),
    "curve": lambda c: of.curve(of.attribute(solved(c)), solved(c).judge),
    "prove": lambda c: of.prove(
        *(of.circuit_of_size(of.attribute(solved(c)), 40), solved(c).judge), controls=4, sampled=4, null=6
    ),
    "circuits": lambda c: c.circuits,
    "dossier": lambda c: of.dossier(c.model, c.late, text=c.batch, top=2, sequences=2, offset=c.offset),
    "verify": lambda c: c.verdicts["relabelled"],
    "subspace": lambda c: projector(of.subspace(c.model, [3, 4])),
    "audit": lambda c: of.audit(c.model, policy(c), documents(), draws=2),
    "enforce": lambda c: dict(of.enforce(c.model, policy(c)).named()),
    "policy_edits": lambda c: {str(edit.site): projector(edit) for edit in of.policy_edits(c.model, policy(c))},
    "leak_test": lambda c: of.leak_test(
        *(c.model, policy(c), [0, 1] * 6, [[3, i + 1, i] for i in range(12)]), controls=2, readers=f"{c.late}.?"
    ),
}
SINGLE: Calls = {  # losses are rounded to float32 there, and numbers of a page to what is drawn
    "show": lambda c: of.show(of.address(c.trace, c.late, -1)).document,
    "ablation": lambda c: of.ablation(c.model, [c.early, c.late], on=c.batch),
}
ATTENTION_ONLY: Calls = {
    "orders": lambda c: of.orders(c.model, documents()),
    "positional_qk": lambda c: of.positional_qk(c.model, c.early),
    "emergence": lambda _: emerged(),
}


def projector(space: Any) -> torch.Tensor:
    """What rows span, whatever their signs."""
    return space.rows.mT @ space.rows


def policy(case: Case) -> Any:
    """One that denies the keys of one layer."""
    return of.Policy({"p": of.subspace(case.model, [3, 4])}, load={"p": "!L1.*.K"}, store={"p": "!embed"})


def emerged() -> Any:
    """Over the checkpoints of a run."""
    with TemporaryDirectory() as folder:
        return of.emergence(small_run(Path(folder)), pairs=3)


def solved(case: Case) -> Any:
    """A task that the model solves: where the effect is small, ratios are rounding."""
    with TemporaryDirectory() as folder:
        return of.task(case.model, str(solvable(case.model, Path(folder, "pairs.jsonl"))))


def documents() -> torch.Tensor:
    """Two of them."""
    return torch.randint(17, (2, 9), generator=torch.Generator().manual_seed(5))


def results(case: Case) -> Iterator[tuple[str, Result]]:
    """Every result by its id."""
    calls = ATTENTION_ONLY if case.model.architecture.mlp is None else ONE_PASS | WEIGHTS | EDITED | TEXT | SINGLE
    for name, call in calls.items():
        for path, result in leaves(call(case)):
            yield f"{'single/' if name in SINGLE else ''}{name}/{path}".removesuffix("/"), result
