"""What may be asked of a subspace score: norms, control, seed and the offsets of rotary positions."""

from typing import Literal, TypeAlias

from loadstore.circuits.folding import Norms
from loadstore.errors import BadRequest
from loadstore.models.weights import Weights

Control: TypeAlias = Literal["none", "reversed", "haar"]


def as_offsets(weights: Weights, offset: int | None) -> range | None:
    """One offset, or None for all that a layer lets meet (or where nothing turns). Raises BadRequest."""
    shape = weights.architecture
    if shape.rotary is None:
        if offset is not None:
            raise BadRequest(f"offset={offset}: {weights.name} has no rotary positions, its scores have no offset")
        return None
    if offset is None:
        return None
    if not 0 <= offset < shape.context:
        raise BadRequest(f"offset={offset}: expected 0 to {shape.context - 1}, query less key within the context")
    return range(offset, offset + 1)


def averaged_over(weights: Weights, offsets: range | None) -> str:
    """What a definition says of the offsets that a score is about."""
    shape = weights.architecture
    if shape.rotary is None:
        return ""
    if offsets is not None:
        beyond = any(shape.reach(layer) <= offsets.start for layer in range(shape.n_layers))
        unseen = ", undefined in layers whose window ends before it" if beyond else ""
        return f"; Q and K at the offset {offsets.start} = query - key{unseen}"
    last = sorted({shape.reach(layer) - 1 for layer in range(shape.n_layers)})
    ends = " or ".join(map(str, last)) + (", as the window of the layer allows" if len(last) > 1 else "")
    return f"; Q and K averaged over the offsets 0 to {ends} = query - key, uniformly"


def as_seed(seed: int) -> int:
    """Check a seed. Raises BadRequest for one that a generator does not take."""
    if not 0 <= seed < 1 << 63:
        raise BadRequest(f"seed {seed}: expected a whole number from 0 to 2^63 - 1")
    return seed


def as_norms(text: str) -> Norms:
    """Read the ``norms`` option. Raises BadRequest."""
    if text == "fold" or text == "ignore":
        return text
    raise BadRequest(f"norms={text!r}: expected 'fold' or 'ignore'")


def as_control(text: str) -> Control:
    """Read the ``control`` option. Raises BadRequest."""
    if text == "none" or text == "reversed" or text == "haar":
        return text
    raise BadRequest(f"control={text!r}: expected 'none', 'reversed' or 'haar'")
