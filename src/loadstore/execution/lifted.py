"""The part of a head's store in given channels, as a map of z.

Channels are the singular directions V of the head's OV as its readers load it (docs/channels.md). Let S = W_O, or
W_O (I − 11ᵀ/d) if all readers centre. The part of z W_O that belongs to channel k is z M_k W_O,

    M_k = S V_kᵀ V_k S⁺

M_k are complementary projections: they sum to 1, M_j M_k = 0 (tests/causal/test_edits.py).
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import BadRequest, Undefined
from loadstore.linear.singular import TOLERANCE, as_one, right_singular
from loadstore.model.ports import heads_out, reading, writing
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.sites import Reader, Writer


def lifted(
    weights: Weights, writer: Writer, channels: Sequence[int], reader: Reader | None
) -> Float[Tensor, "d_head d_head"]:
    """M for some channels of a head, numbered from 1, as ``reader`` (or every reader) loads it.

    Raises BadRequest for a channel that does not exist, Undefined if only some readers centre.
    """
    network, port = wiring(weights), writing(weights, writer)
    readers = [r for r in network.readers if network.connects(writer, r)] if reader is None else [reader]
    centring = {reading(weights, each).centres() for each in readers}
    if len(centring) > 1:
        raise Undefined(
            f"some readers see what {writer} stores without its mean and others with it, and these two have different "
            "channels; edit the wire to one reader"
        )
    out = heads_out(weights, writer.layer)[writer.index]
    seen = out.double()
    seen = seen - seen.mean(-1, keepdim=True) if True in centring else seen
    singular = right_singular(port.map(), centred=True in centring)
    numbers = as_one(singular.strengths, TOLERANCE) + 1
    if missing := [channel for channel in channels if channel > int(numbers[-1])]:
        raise BadRequest(f"{writer} of {weights.name} has channels 1 to {int(numbers[-1])}; got {missing[0]}")
    V = singular.directions[torch.isin(numbers, torch.tensor(channels))]
    return (seen @ V.mT @ V @ torch.linalg.pinv(seen)).to(out.dtype)
