"""The loaded store of a side's largest writer, decoded to tokens."""

from collections.abc import Mapping
from dataclasses import dataclass

from loadstore.decomposition.single import one_prompt_index
from loadstore.decomposition.stored import nearest
from loadstore.execution.trace import Trace
from loadstore.model.wiring import wiring
from loadstore.sites import CONST, Side
from loadstore.tokenizer.tokens import text_of


@dataclass(frozen=True)
class Read:
    """A store, named by its token and writer, and the nearest rows of that writer's dictionary: (id, text, cosine).

    Ids are token ids, or positions for ``pos``. Empty for a constant or an MLP, which have no dictionary.
    """

    place: str
    nearest: tuple[tuple[int, str, float], ...]

    def __str__(self) -> str:
        rows = ", ".join(f"{text} {cosine:.2f}" for _, text, cosine in self.nearest)
        return f"{self.place} = {rows or 'no token'}"


def read_of(trace: Trace, sides: Mapping[Side, tuple[Mapping[str, float], int]]) -> dict[Side, Read]:
    """The decoded store of each side, given its shares and loaded token; sides led by const are omitted."""
    stores_read: dict[Side, Read] = {}
    for side, (shares, token) in sides.items():
        name = max(shares, key=lambda writer: shares[writer])
        if name == CONST:
            continue
        stores_read[side] = read_store(trace, name, token)
    return stores_read


def read_store(trace: Trace, name: str, at: int) -> Read:
    """The decoded store of a writer at one token. Raises NoSuchSite; Undefined for a batch or a missing token."""
    writer, at = wiring(trace.weights).writer(name), one_prompt_index(trace, at)
    rows = nearest(trace.weights, writer, trace.store(writer)[0, at])
    named = [(index, _text(trace, str(writer), index), cosine) for index, cosine in rows]
    return Read(f"{trace.labels[at]}:{writer}", tuple(named))


def _text(trace: Trace, writer: str, index: int) -> str:
    if writer == "pos":
        return f"position {index}"
    return text_of(index, trace.weights.tokens)
