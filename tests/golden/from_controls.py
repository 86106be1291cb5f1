"""Controls, and effects that are measured on them: numbers that one notion of "carries as much" will change.

Every list of controls of the package is here and nowhere else: those of a proof, of one wire, of a verified listing, of
induction circuits, of the explorer's edits, and of the guided walk, which also chooses its circuit by them.
"""

from collections.abc import Iterator
from typing import Any

from golden import functions as of
from golden.cases import Case
from golden.summary import Result

Named = Iterator[tuple[str, Result]]


def results(case: Case) -> Named:
    """Every result by its id."""
    yield from of_wires(case)
    yield from of_edits(case)
    yield from of_listings(case)
    if not case.is_large:
        yield from of_proofs(case)
        yield from of_circuits(case)
    if case.name == "builtin":
        yield from of_the_walk(case)


def of_wires(case: Case) -> Named:
    """The wires nearest to one, and what they carry."""
    network = of.wiring(case.model)
    for side in ("K", "V") if case.is_large else ("Q", "K", "V"):
        wire = network.wire(case.early, f"{case.late}.{side}")
        found = of.controls_of(wire, 6, of.sizes_on(case.trace), network.readers)
        yield f"nearest/{side}", [f"{writer} → {reader}" for writer, reader in found.wires]
        yield f"nearest/{side}/traffic", [found.size, *found.sizes]
    if case.mlp is not None and not case.is_large:
        wire = network.wire(case.early, f"L{of.head(case.late).layer}.mlp")
        found = of.controls_of(wire, 4, of.sizes_on(case.trace), network.readers)
        yield "nearest/MLP", [f"{writer} → {reader}" for writer, reader in found.wires]


def of_edits(case: Case) -> Named:
    """The explorer's controls of a cut and of an ablation."""
    if case.is_large:
        return
    for name, edit in {
        "cut": {"kind": "cut", "writer": case.early, "reader": f"{case.late}.K"},
        "ablation": {"kind": "ablate", "writer": case.early},
    }.items():
        found = case.answered("controls", at=len(case.ids) - 1, edits=[edit])(_quiet)
        yield f"edit/{name}", [one["edit"] for one in found["controls"]]
        yield f"edit/{name}/change", [found["own"], *(one["change"] for one in found["controls"])]
        yield f"edit/{name}/as large", {"count": found["as_large"]}


def of_listings(case: Case) -> Named:
    """The controls of a verified listing, and what follows from them."""
    for name, found in case.verdicts.items():
        yield f"verified/{name}/controls", [value for check in found.checks for value in check.controls]
        yield f"verified/{name}/beyond", [check.claim.text for check in found.checks if check.beyond]
        yield f"verified/{name}/numbers", {"verified": found.count, "luck": found.luck, "holds": found.holds}


def of_proofs(case: Case) -> Named:
    """The report's proof of one K wire."""
    apart = of.wires_of_circuit(of.head(case.early), [of.head(case.late)])
    found = of.proof(case.model, case.early, case.late, apart=apart, controls=6, sequences=2)
    yield "proof/controls", [f"{one.writer} → {one.reader}" for one in found.controls]
    for what in ("traffic", "induction", "prediction", "pattern_change"):
        values = [getattr(one, what) for one in (found.cut, *found.controls)]
        yield f"proof/{what.replace('_', ' ')}", values
    yield "proof/intact", {"induction": found.intact, "prediction": found.predicted}
    yield "proof/verdict", {"beyond": found.beyond_all_controls, "collapses": found.collapses}


def of_circuits(case: Case) -> Named:
    """The largest control of every induction circuit."""
    found = case.circuits
    yield "circuits/control", found.control
    yield "circuits/beyond", found.beyond


def of_the_walk(case: Case) -> Named:
    """The guided walk: its circuit, its prompt, and the cut beside others."""
    circuit, _ = of.chosen_circuit(case.model, _quiet)
    assert circuit is not None
    yield "walk/circuit", [str(circuit.previous), *map(str, circuit.heads)]
    example = of.chosen_prompt(case.explorer, circuit)
    yield "walk/prompt", [str(example.star), str(example.at), str(example.key), *example.trace.labels]
    yield "walk/attention", {"weight": example.weight}
    found: dict[str, Any] = of.collapse(case.explorer, example, circuit, _quiet)["numbers"]
    yield "walk/cut", {name: found[name] for name in ("before", "after", "collapses")}
    yield "walk/cut/attention", dict(sorted(found["attention"].items()))
    yield "walk/cut/controls", [[one["attention"], one["prediction"]] for one in found["controls"]]
    divided = of.ambiguous_prompt(case.explorer, circuit, _quiet)
    assert divided is not None
    yield "walk/several answers", [str(divided.head), *map(str, divided.followers)]
    yield "walk/several answers/attention", list(divided.weights)
    yield "walk/several answers/probability", [one.probability for one in divided.answers]


def _quiet(*_: object) -> None:
    """Nobody watches."""
