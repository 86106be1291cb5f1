"""The cuts of a proof, for the picture of its listing."""

import math

from loadstore.decomposition.graph import Graph
from loadstore.decomposition.short import short
from loadstore.evidence.verdict import Check, Verified, mark, nats
from loadstore.views.picture import Cut

MOST = 4  # maximum cuts offered


def cuts_of(proof: Verified, graph: Graph) -> list[Cut]:
    """The cuts with the largest effect on the target whose loads are all drawn; heads and MLPs before tokens.

    Args:
        proof: The proof.
        graph: The graph in the picture.
    """
    drawn = {wire: index for index, edge in enumerate(graph.edges) for wire in edge.wires}
    offered = [check for check in proof.checks if all(wire in drawn for wire in _names(check))]
    offered.sort(key=lambda check: (check.claim.wires[0][0].kind not in ("head", "mlp"), -abs(check.effect)))
    return [_cut(proof, check, [drawn[wire] for wire in _names(check)]) for check in offered[:MOST]]


def _names(check: Check) -> list[tuple[str, str]]:
    return [(str(writer), str(reader)) for writer, reader in check.claim.wires]


def _cut(proof: Verified, check: Check, arcs: list[int]) -> Cut:
    before, after = proof.listing.probability, check.probability
    largest = max(map(abs, check.controls))
    return Cut(
        name=f"Cut {check.claim.text}",
        arcs=tuple(dict.fromkeys(arcs)),
        answer=(proof.listing.text_of(proof.listing.token), f"p {short(after)}"),
        kept=math.exp(min(0.0, check.effect)),  # p after / p before, also where p before is 0
        said=(
            f"p {short(before)} → {short(after)}, {nats(check.effect)} nats; the largest of {len(check.controls)} "
            f"controls moves it by {nats(largest)}. {mark(check)}"
        ),
    )
