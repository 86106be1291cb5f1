"""Centred stores of writers on a corpus: the rows from which maps and lifetimes are computed.

    ŵ_t = w_t − w̄        w̄, and every mean below, over all tokens but the first of each piece

Constants (biases) do not vary, and shortformer positions are never in the stream.
"""

from collections.abc import Iterator, Sequence

from jaxtyping import Float
from torch import Tensor

from loadstore.model.ports import Bank, banks, writing
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.sites import Writer
from loadstore.wire_traffic.moments import Moments


def in_stream(weights: Weights) -> tuple[Writer, ...]:
    """Writers with a varying store in the stream, in depth order: all but constants and shortformer positions."""
    ports = [writing(weights, writer) for writer in wiring(weights).writers]
    return tuple(port.writer for port in ports if port.constant is None and not port.bypasses_norm)


def varying(weights: Weights) -> tuple[Writer, ...]:
    """Writers whose store varies, in depth order, including those that bypass the norm."""
    return tuple(writer for writer in wiring(weights).writers if writing(weights, writer).constant is None)


def blocks(moments: Moments, writers: Sequence[Writer]) -> Iterator[tuple[Bank, Float[Tensor, "token writer inner"]]]:
    """The centred record of each bank of writers, at all tokens but the first of each piece."""
    for bank in banks(moments.weights, writers):
        yield bank, moments.stored(bank)[moments.later]


def stream(moments: Moments) -> Float[Tensor, "token d_model"]:
    """The centred last stream, at all tokens but the first of each piece: the sum of all stores."""
    total = moments.z.new_zeros(int(moments.later.sum()), moments.weights.architecture.d_model)
    for bank, rows in blocks(moments, in_stream(moments.weights)):
        total += rows[:, 0] if bank.out is None else rows.flatten(1) @ bank.out.flatten(0, 1)
    return total
