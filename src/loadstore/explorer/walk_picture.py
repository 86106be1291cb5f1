"""The pictures of the guided walk: the circuit on its prompt, and a prompt with several possible answers."""

from collections.abc import Mapping
from typing import TypeAlias

from loadstore.circuits.groups import heads_name
from loadstore.decomposition.address import Address
from loadstore.decomposition.graph import Answer, Edge, Graph, Node
from loadstore.decomposition.short import short
from loadstore.evidence.circuit import Circuit
from loadstore.evidence.whole import wires_alone
from loadstore.explorer.ambiguity import Ambiguity
from loadstore.explorer.circuit import Example
from loadstore.explorer.prompt import text_of
from loadstore.explorer.steps import likeliest
from loadstore.figures.picture.layout import picture
from loadstore.sites import Head, Side
from loadstore.views.picture import Cut, Picture

Part: TypeAlias = str
"""A load of the picture by its function: answer, K, V, Q or note."""
PARTS: tuple[Part, ...] = ("answer", "K", "V", "Q", "note")
UNIT = "its side's choice for Q and K, of its attention for V, of the logit above the mean for the answer"


def circuit_picture(asked: Example, circuit: Circuit, address: Address, raised: float, after: float) -> Picture:
    """The induction circuit on the prompt of the walk, with the cut of its K wires. Its arcs are in the order of PARTS.

    Args:
        asked: The prompt and the tokens of the match.
        circuit: The heads.
        address: The address of the strongest induction head.
        raised: The share of the answer's logit, above the mean of all tokens, that the induction heads store.
        after: The probability of the answer with the K wires cut.
    """
    trace, at, key, previous = asked.trace, asked.at, asked.key, circuit.previous
    token, probability, _ = likeliest(asked)
    stars = Node(_names(circuit), "head", at, max(head.layer for head in circuit.heads), "induction")
    before = Node(str(previous), "head", key, previous.layer, "previous token")
    answer = Node("answer", "answer", at)
    edges: Mapping[Part, Edge] = {
        "answer": Edge(stars, answer, "unembed", raised),
        "K": Edge(before, stars, "K", _share(address, "K", str(previous))),
        "V": Edge(_word(key), stars, "V", asked.weight),
        "Q": Edge(_word(at), stars, "Q", _share(address, "Q", "embed")),
        "note": Edge(_word(key - 1), before, "V", float(trace.pattern(previous)[key, key - 1])),
    }
    text = text_of(trace, token)
    cut = Cut(
        name="Cut the K wires",
        arcs=(PARTS.index("K"),),
        answer=(text, f"p {short(after)}"),
        kept=min(1.0, after / probability),
        said=f"Probability of {text}: {short(probability)} → {short(after)}.",
    )
    drawn = Graph(tuple(trace.labels), Answer(text, probability), tuple(edges[part] for part in PARTS), 0, UNIT)
    count, share, replaced = wires_alone(trace, at, token, wires_of(circuit))
    note = f"F of exactly these {count} wires: {short(share)}. All other wires carry {replaced}."
    return picture(drawn, "The circuit on this prompt", [note], [cut])


def wires_of(circuit: Circuit) -> list[tuple[str, str]]:
    """The wires in the picture."""
    previous, heads = str(circuit.previous), [str(head) for head in circuit.heads]
    return [
        ("embed", f"{previous}.V"),
        *((previous, reads) for reads in circuit.reads),
        *(("embed", f"{head}.{side}") for head in heads for side in "QV"),
        *((head, "unembed") for head in heads),
    ]


def answers_picture(choice: Ambiguity) -> Picture:
    """The attention of a head to the different successors of a repeated token."""
    trace, at = choice.trace, len(choice.trace.labels) - 1
    head = Node(str(choice.head), "head", at, choice.head.layer, "induction")
    ranked = sorted(choice.answers, key=lambda each: each.rank)
    texts = [f"{text_of(trace, each.token)} {short(each.probability)}" for each in ranked[:3]]
    edges = [
        Edge(head, Node("answer", "answer", at), "unembed", sum(choice.weights)),
        *(
            Edge(_word(token), head, "V", weight)
            for token, weight in zip(choice.followers, choice.weights, strict=True)
        ),
    ]
    drawn = Graph(tuple(trace.labels), Answer(" | ".join(texts)), tuple(edges), 0, "the head's attention")
    return picture(drawn, f"Where {choice.head} looks", [])


def _names(circuit: Circuit) -> str:
    """The names of heads: grouped for one layer, listed for several layers if they are few."""
    heads = {(head.layer, head.index) for head in circuit.heads}
    return heads_name(heads) if len({layer for layer, _ in heads}) == 1 else _many(circuit.heads)


def _many(heads: tuple[Head, ...]) -> str:
    names = [str(head) for head in heads]
    return ", ".join(names) if len(names) < 4 else f"{names[0]} +{len(names) - 1} more"


def _share(address: Address, side: Side, writer: str) -> float:
    """A writer's share of a side's choice; 0 if the side has no choice."""
    share = address.shares[side].get(writer, 0.0) if side in address.shares else 0.0
    return 0.0 if share != share else float(share)


def _word(token: int) -> Node:
    return Node("embed", "token", token)
