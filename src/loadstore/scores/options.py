"""The options of a subspace score, checked: norms, control, seed, rotary offsets and null."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import BadRequest
from loadstore.linear.whitening import RIDGE
from loadstore.model.opened import counted
from loadstore.model.points import Point
from loadstore.model.ports import Norms
from loadstore.model.weights import Weights
from loadstore.quote import quote

Control: TypeAlias = Literal["none", "reversed", "haar"]
Counts: TypeAlias = Sequence[float | int] | np.ndarray | Tensor
Null: TypeAlias = Literal["rotation", "heads", "stream"]
STREAM = (
    "; of rotations only those that keep the stream's second moment S at the reader's point: every number is that of "
    f"A S^-1/2 and S^1/2 B, S with {RIDGE:g} of its mean variance added in every direction"
)
HEADS = "; p_heads = share of the pairs of heads of the same layers and side whose alignment is as high or higher"
FREQUENCIES = "; embed's rows are weighted by the square roots of the frequencies given"


@dataclass(frozen=True, eq=False)
class Asked:
    """Checked options. ``frequencies`` are relative to uniform ones: their mean is 1."""

    norms: Norms
    control: Control
    seed: int
    offsets: range | None
    null: Null
    stream: Mapping[Point, Tensor] | None
    frequencies: Float[Tensor, " vocab"] | None

    def definition(self, weights: Weights) -> str:
        """The text that these options add to a result's definition."""
        said = averaged_over(weights, self.offsets) + {"rotation": "", "heads": HEADS, "stream": STREAM}[self.null]
        said += counted(weights)
        return said if self.frequencies is None else said + FREQUENCIES


def ask(
    weights: Weights,
    norms: str,
    control: str,
    seed: int,
    offset: int | range | None,
    null: str,
    stream: Mapping[Point, Tensor] | None,
    frequencies: Counts | None,
) -> Asked:
    """Check all options. Raises BadRequest."""
    chosen, kind = as_norms(norms), as_null(null)
    if (kind == "stream") != (stream is not None):
        raise BadRequest(
            "null='stream' and stream= go together; ls.statistics.stream_moments(model) measures what stream= expects"
        )
    if kind == "stream" and chosen == "ignore":
        raise BadRequest("null='stream' is about the stream as norms let it through; it needs norms='fold'")
    counts = None if frequencies is None else as_frequencies(weights, frequencies)
    return Asked(chosen, as_control(control), as_seed(seed), as_offsets(weights, offset), kind, stream, counts)


def moment_at(weights: Weights, asked: Asked, point: Point) -> Float[Tensor, "d_model d_model"]:
    """S at a point. Raises BadRequest if it is missing or has the wrong shape."""
    d = weights.architecture.d_model
    if asked.stream is None or point not in asked.stream:
        raise BadRequest(
            f"stream= has nothing at {point}; ls.statistics.stream_moments({weights.name}) has every point"
        )
    if asked.stream[point].shape != (d, d):
        raise BadRequest(
            f"stream= has {list(asked.stream[point].shape)} at {point}, expected [{d}, {d}]: was it measured on "
            f"{weights.name}?"
        )
    return asked.stream[point].double().cpu()


def as_frequencies(weights: Weights, frequencies: Counts) -> Float[Tensor, " vocab"]:
    """A count for every id of the vocabulary, divided by the mean count. Raises BadRequest."""
    vocab = weights.architecture.vocab
    try:
        given = torch.as_tensor(frequencies)
        if given.is_complex():
            raise TypeError(f"{given.dtype} are not counts")
        counts = given.double()
    except (TypeError, ValueError, RuntimeError) as error:
        raise BadRequest(f"frequencies= expects {vocab} counts: {quote(error)}") from None
    if counts.shape != (vocab,):
        raise BadRequest(f"frequencies= has {list(counts.shape)} counts, expected [{vocab}]: one for each id")
    if not (torch.isfinite(counts).all() and (counts >= 0).all() and (counts > 0).any()):
        raise BadRequest("frequencies= expects counts: finite, none negative, and not all zero")
    return counts / counts.mean()


def as_null(text: str) -> Null:
    """Parse the ``null`` option. Raises BadRequest."""
    if text == "rotation" or text == "heads" or text == "stream":
        return text
    raise BadRequest(f"null={text!r}: expected 'rotation', 'heads' or 'stream'")


def as_offsets(weights: Weights, offset: int | range | None) -> range | None:
    """Parse one offset or a range. None stays None: all offsets in reach, or no rotary positions. Raises BadRequest."""
    shape = weights.architecture
    if offset is None:
        return None
    if shape.rotary is None:
        raise BadRequest(f"offset={offset}: {weights.name} has no rotary positions, its scores have no offset")
    asked = offset if isinstance(offset, range) else range(offset, offset + 1)
    if not (asked.step == 1 and 0 <= asked.start < asked.stop <= shape.context):
        raise BadRequest(
            f"offset={offset}: expected 0 to {shape.context - 1}, query minus key within the context, or a range of "
            "these without steps"
        )
    return asked


def as_range(text: str) -> range:
    """Parse ``3`` or ``0-15`` (first and last). Raises BadRequest."""
    first, dash, last = text.partition("-")
    if first.isdecimal() and (last.isdecimal() if dash else not last):
        return range(int(first), int(last or first) + 1)
    raise BadRequest(f"offset {text!r}: expected a number such as 3, or the first and the last of a range, 0-15")


def averaged_over(weights: Weights, offsets: range | None) -> str:
    """The text that a definition adds about the offsets of a score, and about the sizes of latents."""
    sized = any(layer.kv_latent is not None for layer in weights.layers)
    return _offsets(weights, offsets) + ("; latents have the size of random normed streams" if sized else "")


def _offsets(weights: Weights, offsets: range | None) -> str:
    shape = weights.architecture
    if shape.slopes is not None:
        return "; Q and K without the bias of ALiBi, which depends on the distance alone"
    if shape.rotary is None:
        return ""
    if offsets is None:
        last = sorted({shape.reach(layer) - 1 for layer in range(shape.n_layers)})
        ends = " or ".join(map(str, last)) + (", as the window of the layer allows" if len(last) > 1 else "")
        still = "; layers without positions have no offset" if shape.unturned else ""
        return f"; Q and K averaged over the offsets 0 to {ends} = query - key, uniformly{still}"
    first, last_asked = offsets.start, offsets.stop - 1
    beyond = any(shape.reach(layer) <= first for layer in range(shape.n_layers))
    unseen = ", undefined in layers whose window ends before it" if beyond else ""
    if len(offsets) == 1:
        return f"; Q and K at the offset {first} = query - key{unseen}"
    cut = any(first < shape.reach(layer) <= last_asked for layer in range(shape.n_layers))
    within = ", those within the window of the layer" if cut else ""
    return f"; Q and K averaged over the offsets {first} to {last_asked} = query - key, uniformly{within}{unseen}"


def as_seed(seed: int) -> int:
    """Check a seed. Raises BadRequest if a generator does not accept it."""
    if not 0 <= seed < 1 << 63:
        raise BadRequest(f"seed {seed}: expected a whole number from 0 to 2^63 - 1")
    return seed


def as_norms(text: str) -> Norms:
    """Parse the ``norms`` option. Raises BadRequest."""
    if text == "fold" or text == "ignore":
        return text
    raise BadRequest(f"norms={text!r}: expected 'fold' or 'ignore'")


def as_control(text: str) -> Control:
    """Parse the ``control`` option. Raises BadRequest."""
    if text == "none" or text == "reversed" or text == "haar":
        return text
    raise BadRequest(f"control={text!r}: expected 'none', 'reversed' or 'haar'")
