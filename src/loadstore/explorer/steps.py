"""Steps of the guided walk: each claim is derived from the numbers shown beside it."""

from collections.abc import Collection, Sequence
from typing import Any

from loadstore.decomposition.address import Address, address
from loadstore.decomposition.logits import before_cap, logit_parts
from loadstore.decomposition.short import short, signed
from loadstore.evidence.circuit import Circuit
from loadstore.execution.trace import Trace
from loadstore.explorer.circuit import Example, mostly
from loadstore.explorer.prompt import predicted, text_of
from loadstore.explorer.state import Document
from loadstore.figures.prediction.address import token_row
from loadstore.figures.words import listed, number
from loadstore.heads.roles import bos_of
from loadstore.scores.scores import subspace_scores
from loadstore.views.model import View, bars
from loadstore.views.pictures import address as address_view

SHOWN = 6  # writers in a chart
WORDS = 24  # tokens of a prompt quoted in a sentence


def step(title: str, claim: str, numbers: dict[str, Any], views: Sequence[View], where: dict[str, Any]) -> Document:
    """A step for the page: a claim, its numbers, pictures, and a link to the screen for more."""
    return {"title": title, "claim": claim, "numbers": numbers, "views": list(views), "place": where}


def place_of(asked: Example, screen: str, **more: Any) -> dict[str, Any]:
    """A place of the page that keeps the walk's question, the circuit's prediction there."""
    return {"screen": screen, "run": asked.name, "at": asked.at, "predict": likeliest(asked)[0]} | more


def tail(trace: Trace, at: int) -> str:
    """The last words up to a token."""
    return (
        "".join(label.rpartition("·")[0] for label in trace.labels[max(0, at - 2) : at + 1]).replace("␣", " ").strip()
    )


def text_before(trace: Trace, at: int) -> str:
    """The text up to a token; for a long text, its last words."""
    first = int(int(trace.tokens[0, 0]) == bos_of(trace.weights))
    words = [label.rpartition("·")[0] for label in trace.labels[max(first, at - WORDS) : at + 1]]
    text = "".join(words).replace("␣", " ") if trace.weights.tokens is not None else " ".join(words)
    return ("… " if at - first > WORDS else "") + text.strip()


def next_tokens(trace: Trace, at: int, strong: Collection[int]) -> View:
    """Draw the likeliest next tokens after one token, with those of ``strong`` emphasised."""
    likely = predicted(trace, at)
    return bars(
        f"What comes next after {trace.labels[at]}",
        "probability",
        ("token", "logit"),
        [(token["text"], token["probability"], f"logit {token['logit']:.1f}") for token in likely],
        kind="unsigned",
        low=0.0,
        high=1.0,
        strong=[index for index, token in enumerate(likely) if token["id"] in strong],
    )


def likeliest(asked: Example) -> tuple[int, float, int]:
    """The token at the key, its probability as the next token, and the number of likelier tokens."""
    probabilities = asked.trace.logits[asked.at].double().softmax(-1)
    token = int(asked.trace.tokens[0, asked.key])
    return token, float(probabilities[token]), int((probabilities > probabilities[token]).sum())


def what_next(asked: Example) -> Document:
    """The predicted next token, and its earlier occurrence."""
    trace, at = asked.trace, asked.at
    token, probability, rank = likeliest(asked)
    rank_text = "the likeliest next token" if rank == 0 else f"only number {rank + 1} of the next tokens"
    made = " (tokens from the model's vocabulary, repeated once)" if asked.made else ""
    earlier = trace.labels[asked.key - 1]
    claim = (
        f"After “{tail(trace, at)}”{made}, {text_of(trace, token)} is {rank_text}: probability {short(probability)}. "
        f"{earlier} occurred before, and {trace.labels[asked.key]} came after it."
    )
    view = next_tokens(trace, at, {token})
    numbers = {"at": at, "key": asked.key, "token": token, "probability": probability, "rank": rank}
    return step("What comes next?", claim, numbers, [view], place_of(asked, "listing"))


def who_looked(asked: Example, circuit: Circuit, star: Address) -> Document:
    """The induction heads' attention on the token that followed last time."""
    trace, at = asked.trace, asked.at
    rows = [token_row(address(trace, head, at)) for head in circuit.heads]
    each = {str(head): float(trace.pattern(head)[at, asked.key]) for head in circuit.heads}
    even = 1 / (at + 1 - star.first)
    said = listed([f"{name} {short(weight)}" for name, weight in each.items()])
    claim = (
        f"Head {asked.star} looks back. At {trace.labels[at]} it puts {short(asked.weight)} of its attention on "
        f"{trace.labels[asked.key]}; even attention would put {short(even)} there. On that token: {said}. This is the "
        "token part of its address: where it loads from."
    )
    view = address_view(f"Where induction heads look at {trace.labels[at]}", star.labels, rows)
    where = place_of(asked, "heads", head=str(asked.star))
    return step("Who looked, and where?", claim, {"weights": each, "even": even}, [view], where)


def why_there(asked: Example, circuit: Circuit, star: Address) -> Document:
    """The store of the previous-token head there, and its share of the K side's choice."""
    trace, key, previous = asked.trace, asked.key, circuit.previous
    before = float(trace.pattern(previous)[key, key - 1])
    share = float(star.shares["K"].get(str(previous), float("nan")))
    wire = subspace_scores(trace.weights, where=[f"{previous} -> {asked.star}.K"]).sel(
        writer=str(previous), reader=f"{asked.star}.K"
    )
    alignment, z = float(wire.alignment), float(wire.z)
    store = address(trace, previous, key)
    shares = sorted(star.shares["K"].items(), key=lambda item: -abs(item[1]))
    read = star.read.get("K")
    decoded = (
        f" What it stored decodes to {read.nearest[0][1]} (cosine {short(read.nearest[0][2])})."
        if (read is not None and read.nearest and star.top("K") == str(previous))
        else ""
    )
    by = finds(str(asked.star), share)
    claim = (
        f"Below it, {previous} is a previous-token head: at {trace.labels[key]} it puts {short(before)} on "
        f"{trace.labels[key - 1]}, and stores what it finds.{decoded} {by}: of the K side's choice, where all writers' "
        f"shares sum to 1 and some are negative, {short(share)} is what {previous} stored. Their weights: alignment "
        f"{number(alignment)} (0 is chance, 1 the most), z {number(z, 0)}."
    )
    views = [
        address_view(f"Where {previous} looked at {trace.labels[key]}", star.labels, [token_row(store)]),
        bars(
            f"Whose stores the K side of {asked.star} reads at {trace.labels[key]}",
            "share",
            ("writer", ""),
            [(name, value, "") for name, value in shares[:SHOWN]],
            strong=[index for index, (name, _) in enumerate(shares[:SHOWN]) if name == str(previous)],
        ),
    ]
    numbers = {"previous": before, "share": share, "alignment": alignment, "z": z, "chance": float(wire.chance)}
    where = place_of(asked, "memory", token=key) | {"from": str(previous)}
    return step("Why there?", claim, numbers, views, where)


def finds(head: str, share: float) -> str:
    """Whether a head finds its token by the previous-token head's store, from the store's share of the K side."""
    return f"{head} finds its token by that store" if mostly(share) else f"{head} does not find its token by it alone"


def what_it_takes(asked: Example, circuit: Circuit, star: Address) -> Document:
    """The loads of V, and the stores that make up the logit."""
    trace, at = asked.trace, asked.at
    token, _, _ = likeliest(asked)
    parts = logit_parts(trace, at, token)
    named = {str(name): float(value) for name, value in zip(parts["writer"].values, parts.values, strict=True)}
    mean = float(before_cap(trace, at).double().mean())
    mine = sum(named[str(head)] for head in circuit.heads)
    raised = named[str(asked.star)]
    read = star.read.get("V")
    decoded = (
        f", which decodes to {read.nearest[0][1]} (cosine {short(read.nearest[0][2])})"
        if (read is not None and read.nearest)
        else ""
    )
    ranked = sorted(named.items(), key=lambda item: -abs(item[1]))
    claim = (
        f"Its V side loads what is stored at {trace.labels[star.smallest[0]]}{decoded}, and stores it at "
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
    numbers = {"parts": named, "together": mine, "logit": float(before_cap(trace, at)[token])}
    where = place_of(asked, "address", head=str(asked.star), side="V")
    return step("What does it take?", claim, numbers, [view], where)
