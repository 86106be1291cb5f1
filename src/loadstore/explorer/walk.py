"""The guided walk: six steps from a prediction to the wire without which it falls, each computed from this model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from loadstore.explorer.ambiguity import ambiguity_of
from loadstore.explorer.ask import Ask
from loadstore.explorer.circuit import circuit_of, question_of, why_none
from loadstore.explorer.collapse import several_answers, the_cut
from loadstore.explorer.state import Document, Explorer, Progress
from loadstore.explorer.steps import what_it_takes, what_next, who_looked, why_there
from loadstore.prompts.address import address


def walk(explorer: Explorer, ask: Ask) -> Callable[[Progress], Document]:
    """Six steps, or why this model has none."""

    def work(progress: Progress) -> Document:
        known: _Walked = explorer.once("walk", lambda: _walk(explorer, progress))
        names = {name: explorer.runs.make(list(ids))[0] for name, ids in known.prompts.items()}
        steps = [step | {"place": step["place"] | _renamed(step["place"], names)} for step in known.document["steps"]]
        return known.document | {"steps": steps}

    return work


@dataclass(frozen=True)
class _Walked:
    """The walk, and the prompts of its runs: a run may be forgotten before the walk is."""

    document: Document
    prompts: dict[str, tuple[int, ...]]


def _renamed(place: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {"run": names[place["run"]]} if "run" in place else {}


def _walk(explorer: Explorer, progress: Progress) -> _Walked:
    circuit, table = circuit_of(explorer.weights, progress)
    if circuit is None:
        return _Walked({"found": False, "why": why_none(table), "steps": []}, {})
    asked = question_of(explorer, circuit)
    found = address(asked.trace, asked.star, asked.at, asked.key)
    steps = [
        what_next(asked),
        who_looked(asked, circuit, found),
        why_there(asked, circuit, found),
        what_it_takes(asked, circuit, found),
        the_cut(explorer, asked, circuit, progress),
    ]
    divided = ambiguity_of(explorer, circuit, progress)
    steps.append(several_answers(divided))
    prompts = {one.name: tuple(one.trace.tokens[0].tolist()) for one in (asked, divided) if one is not None}
    document = {
        "found": True,
        "previous": str(circuit.previous),
        "heads": [str(head) for head in circuit.heads],
        "steps": steps,
    }
    return _Walked(document, prompts)
