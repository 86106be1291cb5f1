"""The last steps of the guided walk: the cut that the circuit does not survive, and a prompt with several answers."""

from collections.abc import Sequence
from typing import Any

from loadstore.errors import Undefined
from loadstore.evidence.near import Near
from loadstore.explorer.ambiguity import SHARE, TOP, Ambiguity
from loadstore.explorer.circuit import HALF, Circuit, Question
from loadstore.explorer.prompt import predicted, text_of
from loadstore.explorer.state import Document, Explorer, Progress
from loadstore.explorer.steps import likeliest, step, tail
from loadstore.models.edits import cut
from loadstore.models.trace import Trace
from loadstore.prompts.address import smallest_set
from loadstore.prompts.short import short
from loadstore.report.words import listed
from loadstore.sites import Head, Reader, Writer, parse_reader, parse_writer
from loadstore.views.model import bars
from loadstore.views.pictures import address as address_view
from loadstore.views.pictures import address_row

CONTROLS = 8  # sets of wires that the cut is compared with
SHOWN = 6  # writers in a chart


def the_cut(explorer: Explorer, asked: Question, circuit: Circuit, progress: Progress) -> Document:
    """The K wires cut together: attention and prediction before and after, beside other wires cut."""
    trace, at, key = asked.trace, asked.at, asked.key
    wires = [(parse_writer(circuit.previous), parse_reader(side)) for side in circuit.reads]
    after = explorer.runs.edited(trace, [cut(*wire) for wire in wires])
    token, probability, _ = likeliest(asked)
    now = float(after.logits[at].double().softmax(-1)[token])
    before = {str(head): float(trace.pattern(head)[at, key]) for head in circuit.heads}
    then = {str(head): float(after.pattern(head)[at, key]) for head in circuit.heads}
    others, reason = _controls(explorer, asked, wires, token, progress)
    star = str(asked.star)
    lost = bool(others) and now < min([probability, *others]) and then[star] < HALF * before[star]
    against = (
        f"The same done to {len(others)} sets of other wires that carry as much leaves at least {short(min(others))}."
        if others
        else f"There are no controls: {reason}."
    )
    them = "these wires" if len(wires) > 1 else "this wire"
    claim = (
        f"Cut {circuit.previous} → {listed(circuit.reads)}: everyone else still sees what {circuit.previous} stored. "
        f"Attention on {trace.labels[key]}: "
        f"{listed([f'{name} {short(before[name])} → {short(then[name])}' for name in then])}. The probability of "
        f"{text_of(trace, token)}: {short(probability)} → {short(now)}. {against} "
        + (
            f"The address collapses: {them} carried it."
            if lost
            else f"On this prompt {them} cannot be shown to carry it."
        )
    )
    rows = [
        row_view(one, head, at, name) for head in circuit.heads for one, name in ((trace, "intact"), (after, "cut"))
    ]
    view = address_view(f"Induction heads at {trace.labels[at]}, intact and cut", trace.labels, rows)
    numbers = {"before": probability, "after": now, "attention": then, "controls": others, "collapses": lost}
    place = {"screen": "address", "run": asked.name, "head": str(asked.star), "at": at, "side": "K"}
    place |= {"from": str(circuit.previous), "do": "cut"}
    return step("Is that wire the cause?", claim, numbers, [view], place)


def row_view(trace: Trace, head: Head, at: int, name: str) -> dict[str, Any]:
    """One head's row in a run, as a row of a sentence."""
    row = trace.pattern(head)[at].double()
    chosen = smallest_set(row)
    effective = 2 ** float(-(row * row.clamp(min=1e-300).log2()).sum())
    weights = [weight if j <= at else None for j, weight in enumerate(row.tolist())]
    text = " | ".join(f"{trace.labels[j]} {short(float(row[j]))}" for j in chosen[:3])
    return address_row(f"{head}, {name}", f"→ {text}", weights, chosen, effective)


def _controls(
    explorer: Explorer,
    asked: Question,
    wires: Sequence[tuple[Writer, Reader]],
    token: int,
    progress: Progress,
) -> tuple[list[float], str]:
    """The token's probability with other wires cut instead, as many at once and as busy; why, where there are none."""
    near = Near(asked.trace, set(wires))
    try:
        beside = [near.controls(wire, CONTROLS + len(wires)) for wire in wires]
    except Undefined as error:
        return [], str(error)
    found: list[float] = []
    for index in range(min(len(each) for each in beside)):
        chosen = {each[(index + shift) % len(each)] for shift, each in enumerate(beside)}
        if len(chosen) < len(wires) or len(found) == CONTROLS:
            continue  # a wire that stands in for two is a smaller cut
        progress(len(found), CONTROLS)
        after = explorer.runs.edited(asked.trace, [cut(*wire) for wire in sorted(chosen, key=str)])
        found.append(float(after.logits[asked.at].double().softmax(-1)[token]))
    return found, "" if found else "there are too few other wires like them"


def several_answers(found: Ambiguity | None) -> Document:
    """Attention and prediction where the repeated token was followed by different ones."""
    title = "And where it saw several answers?"
    if found is None:
        claim = "This model's context or vocabulary is too small for a prompt that repeats one token several times."
        return step(title, claim, {}, [], {"screen": "heads"})
    trace, at = found.trace, len(found.trace.labels) - 1
    looked = listed([f"{trace.labels[j]} {short(w)}" for j, w in zip(found.followers, found.weights, strict=True)])
    said = listed(
        [f"{text_of(trace, one.token)} {short(one.probability)} (number {one.rank + 1})" for one in found.answers]
    )
    made = (
        "In this list of words of the model's own" if found.made else f"In “{tail(trace, at)}” and what stands before"
    )
    shown = (
        f"Its attention divides, and {found.predicted} of the answers are among the {TOP} likeliest: {said}."
        if found.shown
        else f"{found.seen} places get {short(SHARE)} of the attention or more; of the answers, {found.predicted} are "
        f"among the {TOP} likeliest: {said}. It does not show it well."
    )
    claim = (
        f"{made}, {trace.labels[at]} stood {len(found.followers)} times before, followed by {len(found.answers)} "
        f"different tokens. {found.head} looks at {looked}; even attention would put {short(1 / (at + 1))} on each. "
        f"{shown} This prompt shows it best of {found.tried} that were tried."
    )
    row = row_view(trace, found.head, at, trace.labels[at])
    rows = [(one["text"], one["probability"], f"logit {one['logit']:.1f}") for one in predicted(trace, at)]
    answers = {one.token for one in found.answers}
    views = [
        address_view(f"Where {found.head} looks at {trace.labels[at]}", trace.labels, [row]),
        bars(
            f"What comes next after {trace.labels[at]}",
            "probability",
            ("token", "logit"),
            rows,
            kind="unsigned",
            low=0.0,
            high=1.0,
            strong=[index for index, one in enumerate(predicted(trace, at)) if one["id"] in answers],
        ),
    ]
    place = {"screen": "address", "run": found.name, "head": str(found.head), "at": at}
    return step(title, claim, _numbers(found), views, place)


def _numbers(found: Ambiguity) -> dict[str, Any]:
    return {
        "head": str(found.head),
        "followers": list(found.followers),
        "weights": list(found.weights),
        "tokens": [one.token for one in found.answers],
        "probabilities": [one.probability for one in found.answers],
        "ranks": [one.rank for one in found.answers],
        "tried": found.tried,
        "shown": found.shown,
    }
