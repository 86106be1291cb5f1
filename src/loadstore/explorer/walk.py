"""The guided walk: six steps from a prediction to the wires that it depends on, each computed from this model."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from loadstore.decomposition.address import address
from loadstore.decomposition.logits import before_cap
from loadstore.decomposition.single import one_prompt_index
from loadstore.evidence.circuit import Circuit
from loadstore.execution.trace import Trace
from loadstore.explorer import walk_words as words
from loadstore.explorer.ambiguity import ambiguity_of
from loadstore.explorer.answers import several_answers
from loadstore.explorer.circuit import Example, example_of, find_circuit, why_none
from loadstore.explorer.collapse import the_cut
from loadstore.explorer.question import last
from loadstore.explorer.reader import notice, own_example
from loadstore.explorer.requests import WalkRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.explorer.steps import text_before, what_it_takes, what_next, who_looked, why_there
from loadstore.explorer.walk_picture import PARTS, Part, answers_picture, circuit_picture
from loadstore.progress import Progress

LIT: tuple[tuple[Part, ...], ...] = (
    (),
    ("V",),
    ("K", "note"),
    ("answer", "V"),
    PARTS,
)
"""The loads shown in each step."""
CUT = 4  # index of the step with the cut
Mine = tuple[str, Trace, int]  # the user's run, and the token of the question


def walk(explorer: Explorer, ask: WalkRequest) -> Callable[[Progress], Document]:
    """Six steps, or the reason why this model has none.

    They use the requested run and token if the circuit is active there. Otherwise they use another prompt, and
    ``notice`` gives the reason.
    """
    mine: Mine | None = None
    if ask.run is not None:
        trace = explorer.trace(ask.run)
        mine = ask.run, trace, one_prompt_index(trace, last(trace) if ask.at is None else ask.at)
    return partial(_work, explorer, mine)


@dataclass(frozen=True)
class _Walked:
    """Steps with the prompts of their runs, since a run may be dropped before its steps."""

    steps: tuple[Document, ...]
    prompts: dict[str, tuple[int, ...]]


def _work(explorer: Explorer, mine: Mine | None, progress: Progress) -> Document:
    circuit, table = explorer.once("circuit", lambda: find_circuit(explorer.weights, progress))
    if circuit is None:
        return {"found": False, "why": why_none(table), "steps": [], "notice": None}
    own = None if mine is None else own_example(circuit, *mine)
    last: _Walked = explorer.once("several answers", lambda: _last(explorer, circuit, progress))
    other_note = None
    if own is not None:
        first = _first(explorer, circuit, own, progress)
    else:
        other = example_of(explorer, circuit)
        first: _Walked = explorer.once("walk", lambda: _first(explorer, circuit, other, progress))
        other_note = None if mine is None else notice(circuit, *mine, other)
    return {
        "found": True,
        "previous": str(circuit.previous),
        "heads": [str(head) for head in circuit.heads],
        "steps": [*_there(explorer, first), *_there(explorer, last)],
        "notice": other_note,
    }


def _first(explorer: Explorer, circuit: Circuit, asked: Example, progress: Progress) -> _Walked:
    """The steps on one prompt."""
    address_of_star = address(asked.trace, asked.star, asked.at, about=asked.key)
    steps = (
        _elsewhere(what_next(asked), asked),
        who_looked(asked, circuit, address_of_star),
        why_there(asked, circuit, address_of_star),
        what_it_takes(asked, circuit, address_of_star),
        the_cut(explorer, asked, circuit, progress),
    )
    numbers = [each["numbers"] for each in steps]
    said = (
        words.expected(asked, numbers[0]),
        words.looked(asked, numbers[1]),
        words.noted(asked, circuit, numbers[2]),
        words.carried(asked, circuit, numbers[3]),
        words.fallen(asked, circuit, numbers[4]),
    )
    above = numbers[3]["logit"] - float(before_cap(asked.trace, asked.at).double().mean())
    raised = numbers[3]["together"] / above if above else 0.0
    drawn = circuit_picture(asked, circuit, address_of_star, raised, numbers[4]["after"])
    shown = tuple(
        each | {"said": text, "picture": drawn, "lit": [PARTS.index(part) for part in parts], "cut": index == CUT}
        for index, (each, text, parts) in enumerate(zip(steps, said, LIT, strict=True))
    )
    return _Walked(shown, {asked.name: _ids(asked.trace)})


def _elsewhere(step: Document, asked: Example) -> Document:
    """The first step; it mentions a prompt that is not the user's."""
    if asked.own:
        return step
    first = f"This walk uses another prompt: “{text_before(asked.trace, asked.at)}”."
    return step | {"claim": f"{first} {step['claim']}"}


def _last(explorer: Explorer, circuit: Circuit, progress: Progress) -> _Walked:
    divided = ambiguity_of(explorer, circuit, progress)
    step = several_answers(divided) | {"said": words.divided(divided), "picture": None, "lit": None, "cut": False}
    if divided is None:
        return _Walked((step,), {})
    return _Walked((step | {"picture": answers_picture(divided)},), {divided.name: _ids(divided.trace)})


def _ids(trace: Trace) -> tuple[int, ...]:
    return tuple(trace.tokens[0].tolist())


def _there(explorer: Explorer, walked: _Walked) -> list[Document]:
    """Steps whose places refer to runs on this server."""
    names = {name: explorer.runs.make(list(ids))[0] for name, ids in walked.prompts.items()}
    return [step | {"place": step["place"] | _renamed(step["place"], names)} for step in walked.steps]


def _renamed(where: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {"run": names[where["run"]]} if "run" in where else {}
