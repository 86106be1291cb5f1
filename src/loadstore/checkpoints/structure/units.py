"""The MLP of one layer: which linear maps are its gate, its other input and its store, and its activation."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from loadstore.checkpoints.structure.differs import PIECE, apart, differs, off
from loadstore.checkpoints.structure.linears import Linear
from loadstore.model.mlp import activate
from loadstore.model.mlp_facts import ACTIVATIONS, Activation
from loadstore.quote import quote, some

LOADS = "at most two linear maps of one input, then one of their activations"
TRIED: tuple[Activation, ...] = tuple(activation for activation in ACTIVATIONS if activation != "solu_ln")


@dataclass(frozen=True)
class Units:
    """The projections of an MLP and its activation.

    ``gate``: where the gate is: the ``first`` or ``second`` of two projections, or of one the first or second half, or
    its ``even`` or ``odd`` outputs; ``none`` without a gate.
    """

    inputs: tuple[Linear, ...]
    out: Linear
    gate: str
    activation: Activation

    def of(self, outputs: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
        """The linear part and the gate among the outputs [..., width] of the projections."""
        return _parted(self.gate, outputs)


def units_of(at: str, linears: Sequence[Linear], eps: float) -> Units:
    """Return the MLP of a layer.

    Args:
        at: The layer, for messages.
        linears: Its linear maps in their order.
        eps: ε of the pass.

    Raises:
        NotThisModel: They are not an MLP with or without a gate, or no activation that is computed fits.
    """
    *inputs, out = linears
    names = some([quote(linear.name, 80) for linear in linears])
    if len(inputs) not in (1, 2) or any(apart(linear.given, inputs[0].given) > 0 for linear in inputs):
        raise differs(at, LOADS, names)
    width, reads = out.given.shape[-1], [linear.result.shape[-1] for linear in inputs]
    gates: dict[tuple[int, ...], tuple[str, ...]] = {
        (width,): ("none",),
        (2 * width,): ("before", "behind", "even", "odd"),
        (width, width): ("first", "second"),
    }
    tried: list[tuple[float, Units]] = []
    for gate in gates.get(tuple(reads), ()):
        linear, gated = _parted(gate, [part.result for part in inputs])
        for activation in TRIED:
            inside = activate(linear, activation) if gated is None else activate(gated, activation) * linear
            tried.append((apart(inside, out.given), Units(tuple(inputs), out, gate, activation)))
    if not tried:
        raise differs(at, LOADS, f"widths {reads} and {width} of {names}")
    difference, best = min(tried, key=lambda pair: pair[0])
    if difference > PIECE * eps:
        raise differs(at, f"an activation among {', '.join(TRIED)}", f"another one, {off(difference)} at best")
    return best


def _parted(gate: str, outputs: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
    match gate:
        case "none":
            return outputs[0], None
        case "first":
            return outputs[1], outputs[0]
        case "second":
            return outputs[0], outputs[1]
        case "before":
            first, second = outputs[0].chunk(2, -1)
            return second, first
        case "behind":
            first, second = outputs[0].chunk(2, -1)
            return first, second
        case "even":
            return outputs[0][..., 1::2], outputs[0][..., ::2]
        case _:
            return outputs[0][..., ::2], outputs[0][..., 1::2]
