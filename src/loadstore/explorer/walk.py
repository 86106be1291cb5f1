"""The guided walk: six steps from a prediction to the wire without which it falls, each computed from this model."""

from collections.abc import Callable, Sequence
from typing import Any

from loadstore.circuits.scores import subspace_scores
from loadstore.errors import Undefined
from loadstore.evidence.near import Near
from loadstore.explorer.ambiguity import SHARE, TOP, Ambiguity, ambiguity_of
from loadstore.explorer.ask import Ask
from loadstore.explorer.circuit import Circuit, Question, circuit_of, question_of, why_none
from loadstore.explorer.prompt import predicted, text_of
from loadstore.explorer.state import Document, Explorer, Progress
from loadstore.models.edits import cut
from loadstore.models.trace import Trace
from loadstore.prompts.address import Address, address, smallest_set
from loadstore.prompts.logits import logit_parts
from loadstore.prompts.short import short, signed
from loadstore.report.address import token_row
from loadstore.report.words import listed, number
from loadstore.sites import Head, Reader, parse_reader, parse_writer
from loadstore.views.model import View, bars
from loadstore.views.pictures import address as address_view
from loadstore.views.pictures import address_row

CONTROLS = 8  # sets of wires that the cut is compared with
SHOWN = 6  # writers in a chart


def walk(explorer: Explorer, ask: Ask) -> Callable[[Progress], Document]:
    """Six steps, or why this model has none."""
    return lambda progress: explorer.once("walk", lambda: _walk(explorer, progress))


def _walk(explorer: Explorer, progress: Progress) -> Document:
    circuit, table = circuit_of(explorer.weights, progress)
    if circuit is None:
        return {"found": False, "why": why_none(table), "steps": []}
    asked = question_of(explorer, circuit)
    found = address(asked.trace, asked.star, asked.at, asked.key)
    steps = [
        _next(asked),
        _looks(asked, circuit, found),
        _why_there(asked, circuit, found),
        _carries(asked, circuit, found),
        _cut(explorer, asked, circuit),
        _ambiguous(explorer, circuit),
    ]
    return {"found": True, "previous": str(circuit.previous), "heads": [str(h) for h in circuit.heads], "steps": steps}


def _step(title: str, claim: str, numbers: dict[str, Any], views: Sequence[View], place: dict[str, Any]) -> Document:
    return {"title": title, "claim": claim, "numbers": numbers, "views": list(views), "place": place}


def _tail(trace: Trace, at: int) -> str:
    return (
        "".join(label.rpartition("·")[0] for label in trace.labels[max(0, at - 2) : at + 1]).replace("␣", " ").strip()
    )


def _likeliest(asked: Question) -> tuple[int, float, int]:
    """The token that stands at the key, its probability next, and how many tokens are likelier."""
    probabilities = asked.trace.logits[asked.at].double().softmax(-1)
    token = int(asked.trace.tokens[0, asked.key])
    return token, float(probabilities[token]), int((probabilities > probabilities[token]).sum())


def _next(asked: Question) -> Document:
    trace, at = asked.trace, asked.at
    token, probability, rank = _likeliest(asked)
    place = "the likeliest next token" if rank == 0 else f"only number {rank + 1} of the next tokens"
    made = " (a sequence of the model's own tokens, said twice)" if asked.made else ""
    earlier = trace.labels[asked.key - 1]
    claim = (
        f"After “{_tail(trace, at)}”{made}, {text_of(trace, token)} is {place}: probability {short(probability)}. "
        f"{earlier} stood before, and {trace.labels[asked.key]} came after it."
    )
    rows = [(one["text"], one["probability"], f"logit {one['logit']:.1f}") for one in predicted(trace, at)]
    view = bars(
        f"What comes next after {trace.labels[at]}",
        "probability",
        ("token", "logit"),
        rows,
        kind="unsigned",
        low=0.0,
        high=1.0,
        strong=[index for index, one in enumerate(predicted(trace, at)) if one["id"] == token],
    )
    numbers = {"at": at, "key": asked.key, "token": token, "probability": probability, "rank": rank}
    return _step("What comes next?", claim, numbers, [view], {"screen": "listing", "run": asked.name, "at": at})


def _looks(asked: Question, circuit: Circuit, found: Address) -> Document:
    trace, at = asked.trace, asked.at
    rows = [token_row(address(trace, head, at)) for head in circuit.heads]
    each = {str(head): float(trace.pattern(head)[at, asked.key]) for head in circuit.heads}
    even = 1 / (at + 1 - found.first)
    said = listed([f"{name} {short(weight)}" for name, weight in each.items()])
    claim = (
        f"Head {asked.star} looks back. At {trace.labels[at]} it puts {short(asked.weight)} of its attention on "
        f"{trace.labels[asked.key]}; even attention would put {short(even)} there. On that token: {said}. This is the "
        "token part of its address: where it loads from."
    )
    view = address_view(f"Where induction heads look at {trace.labels[at]}", found.labels, rows)
    place = {"screen": "heads", "run": asked.name, "head": str(asked.star), "at": at}
    return _step("Who looked, and where?", claim, {"weights": each, "even": even}, [view], place)


def _why_there(asked: Question, circuit: Circuit, found: Address) -> Document:
    trace, key, previous = asked.trace, asked.key, circuit.previous
    before = float(trace.pattern(previous)[key, key - 1])
    share = float(found.shares["K"].get(str(previous), float("nan")))
    wire = subspace_scores(trace.weights, where=[f"{previous} -> {asked.star}.K"]).sel(
        writer=str(previous), reader=f"{asked.star}.K"
    )
    alignment, z = float(wire.alignment), float(wire.z)
    store = address(trace, previous, key)
    shares = sorted(found.shares["K"].items(), key=lambda item: -abs(item[1]))
    read = found.read.get("K")
    decoded = (
        f" What it stored decodes to {read.nearest[0][1]} (cosine {short(read.nearest[0][2])})."
        if (read is not None and read.nearest and found.top("K") == str(previous))
        else ""
    )
    claim = (
        f"Below it, {previous} looks one token back: at {trace.labels[key]} it puts "
        f"{short(before)} on {trace.labels[key - 1]}, and stores what it finds there.{decoded} {asked.star} finds its "
        f"token by that note: of its K side's choice, {short(share)} of 1 is what {previous} stored. Their weights: "
        f"alignment {number(alignment)} (0 is chance, 1 the most), z {number(z, 0)}."
    )
    views = [
        address_view(f"Where {previous} looked at {trace.labels[key]}", found.labels, [token_row(store)]),
        bars(
            f"Whose stores the K side of {asked.star} reads at {trace.labels[key]}",
            "share",
            ("writer", ""),
            [(name, value, "") for name, value in shares[:SHOWN]],
            strong=[index for index, (name, _) in enumerate(shares[:SHOWN]) if name == str(previous)],
        ),
    ]
    numbers = {"previous": before, "share": share, "alignment": alignment, "z": z, "chance": float(wire.chance)}
    place = {"screen": "memory", "run": asked.name, "from": str(previous), "at": key}
    return _step("Why there?", claim, numbers, views, place)


def _carries(asked: Question, circuit: Circuit, found: Address) -> Document:
    trace, at = asked.trace, asked.at
    token, _, _ = _likeliest(asked)
    parts = logit_parts(trace, at, token)
    named = {str(name): float(value) for name, value in zip(parts["writer"].values, parts.values, strict=True)}
    mean = float(trace.logits[at].double().mean())
    mine = sum(named[str(head)] for head in circuit.heads)
    raised = named[str(asked.star)]
    read = found.read.get("V")
    decoded = (
        f", which decodes to {read.nearest[0][1]} (cosine {short(read.nearest[0][2])})"
        if (read is not None and read.nearest)
        else ""
    )
    ranked = sorted(named.items(), key=lambda item: -abs(item[1]))
    claim = (
        f"Its V side loads what stands at {trace.labels[found.smallest[0]]}{decoded}, and stores it at "
        f"{trace.labels[at]}. That moves the logit of {text_of(trace, token)} by {signed(raised)}; all "
        f"{len(circuit.heads)} induction heads together {signed(mine)}. The logit is {signed(sum(named.values()))}; "
        f"the mean of all tokens is {signed(mean)}."
    )
    view = bars(
        f"Who made the logit of {text_of(trace, token)}",
        "logit",
        ("writer", ""),
        [(name, value, "") for name, value in ranked[: SHOWN + 2]],
        strong=[i for i, (name, _) in enumerate(ranked[: SHOWN + 2]) if name in {str(h) for h in circuit.heads}],
    )
    numbers = {"parts": named, "together": mine, "logit": float(trace.logits[at, token])}
    place = {"screen": "address", "run": asked.name, "head": str(asked.star), "at": at, "side": "V"}
    return _step("What does it take?", claim, numbers, [view], place)


def _cut(explorer: Explorer, asked: Question, circuit: Circuit) -> Document:
    trace, at, key = asked.trace, asked.at, asked.key
    wires = [(parse_writer(circuit.previous), parse_reader(side)) for side in circuit.reads]
    after = explorer.runs.edited(trace, [cut(*wire) for wire in wires])
    token, probability, _ = _likeliest(asked)
    now = float(after.logits[at].double().softmax(-1)[token])
    then = {str(head): float(after.pattern(head)[at, key]) for head in circuit.heads}
    others, reason = _controls(explorer, asked, wires, token)
    lost = {name: float(trace.pattern(name)[at, key]) - weight for name, weight in then.items()}
    against = (
        f"The same done to {len(others)} sets of wires that carry as much leaves at least {short(min(others))}."
        if others
        else f"There are no controls: {reason}."
    )
    fell = now < min([probability, *others])
    claim = (
        f"Cut {circuit.previous} → {listed(circuit.reads)}: everyone else still sees what "
        f"{circuit.previous} stored. Attention on {trace.labels[key]}: "
        f"{listed([f'{name} {short(then[name] + lost[name])} → {short(then[name])}' for name in then])}. The "
        f"probability of {text_of(trace, token)}: {short(probability)} → {short(now)}. {against} "
        + (
            "The address collapses: this wire carried it."
            if fell
            else "On this prompt the cut stands out from no control."
        )
    )
    rows = [_row(one, head, at, name) for head in circuit.heads for one, name in ((trace, "intact"), (after, "cut"))]
    view = address_view(f"Induction heads at {trace.labels[at]}, intact and cut", trace.labels, rows)
    numbers = {"before": probability, "after": now, "attention": then, "controls": others}
    place = {"screen": "address", "run": asked.name, "head": str(asked.star), "at": at, "side": "K"}
    place |= {"from": str(circuit.previous), "do": "cut"}
    return _step("Is that wire the cause?", claim, numbers, [view], place)


def _row(trace: Trace, head: Head, at: int, name: str) -> dict[str, Any]:
    row = trace.pattern(head)[at].double()
    chosen = smallest_set(row)
    effective = 2 ** float(-(row * row.clamp(min=1e-300).log2()).sum())
    weights = [weight if j <= at else None for j, weight in enumerate(row.tolist())]
    text = " | ".join(f"{trace.labels[j]} {short(float(row[j]))}" for j in chosen[:3])
    return address_row(f"{head}, {name}", f"→ {text}", weights, chosen, effective)


def _controls(
    explorer: Explorer, asked: Question, wires: Sequence[tuple[Any, Reader]], token: int
) -> tuple[list[float], str]:
    """The token's probability with other wires cut instead, as many at once and as busy; why, where there are none."""
    near = Near(asked.trace, set(wires))
    try:
        beside = [near.controls(wire, CONTROLS + len(wires)) for wire in wires]
    except Undefined as error:
        return [], str(error)
    found: list[float] = []
    for index in range(min(CONTROLS, *(len(each) for each in beside))):
        chosen = dict.fromkeys(each[(index + shift) % len(each)] for shift, each in enumerate(beside))
        after = explorer.runs.edited(asked.trace, [cut(*wire) for wire in chosen])
        found.append(float(after.logits[asked.at].double().softmax(-1)[token]))
    return found, ""


def _ambiguous(explorer: Explorer, circuit: Circuit) -> Document:
    found = ambiguity_of(explorer, circuit)
    title = "And where it saw two answers?"
    if found is None:
        claim = "This model's context or vocabulary is too small for a prompt that repeats one token three times."
        return _step(title, claim, {}, [], {"screen": "heads"})
    trace, at = found.trace, len(found.trace.labels) - 1
    looked = listed([f"{trace.labels[j]} {short(w)}" for j, w in zip(found.followers, found.weights, strict=True)])
    said = listed(
        [
            f"{text_of(trace, int(trace.tokens[0, j]))} {short(p)} (number {rank + 1})"
            for j, p, rank in zip(found.followers, found.probabilities, found.ranks, strict=True)
        ]
    )
    made = (
        "In this list of words of the model's own" if found.made else f"In “{_tail(trace, at)}” and what stands before"
    )
    shown = (
        f"Its attention divides, and {found.predicted} of the answers are among the {TOP} likeliest: {said}."
        if found.shown
        else f"This is the best of the prompts that were tried, and it does not show it well: {found.seen} answers get "
        f"{short(SHARE)} of the attention or more, {found.predicted} are among the {TOP} likeliest. {said}."
    )
    claim = (
        f"{made}, {trace.labels[at]} has {len(found.followers)} answers: each time before, another token followed it. "
        f"{found.head} looks at {looked}. {shown}"
    )
    row = _row(trace, found.head, at, trace.labels[at])
    rows = [(one["text"], one["probability"], f"logit {one['logit']:.1f}") for one in predicted(trace, at)]
    answers = {int(trace.tokens[0, j]) for j in found.followers}
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
    return _step(title, claim, _numbers(found), views, place)


def _numbers(found: Ambiguity) -> dict[str, Any]:
    return {
        "head": str(found.head),
        "followers": list(found.followers),
        "weights": list(found.weights),
        "probabilities": list(found.probabilities),
        "ranks": list(found.ranks),
        "shown": found.shown,
    }
