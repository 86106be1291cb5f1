"""The names of nodes and edges in MIB's circuits: ``input``, ``a0.h3``, ``m0``; ``a0.h3->m1``, ``input->a0.h3<q>``."""

import re

from loadstore.errors import BadRequest
from loadstore.quote import quote
from loadstore.sites import EMBED, UNEMBED, Reader, Side, Writer

_EDGE = re.compile(
    r"(?:input|a(\d{1,4})\.h(\d{1,4})|m(\d{1,4}))->(?:logits|m(\d{1,4})|a(\d{1,4})\.h(\d{1,4})<([qkv])>)"
)
_SIDES: dict[str, Side] = {"q": "Q", "k": "K", "v": "V"}


def edge_name(writer: Writer, reader: Reader) -> str:
    """MIB's name of a wire."""
    if reader.is_unembed:
        return f"{node_name(writer)}->logits"
    if reader.is_mlp:
        return f"{node_name(writer)}->m{reader.layer}"
    return f"{node_name(writer)}->a{reader.layer}.h{reader.index}<{reader.head_side.lower()}>"


def wire_named(name: str) -> tuple[Writer, Reader]:
    """The wire with this name in MIB. Raises BadRequest for a text that is not the name of an edge."""
    if (edge := _EDGE.fullmatch(name)) is None:
        raise BadRequest(f"'{quote(name, 40)}' is not an edge; edges are a0.h3->m1, input->a0.h3<q>, m0->logits")
    head, index, mlp, into, layer, other, side = edge.groups()
    writer = Writer("head", int(head), int(index)) if head else Writer("mlp", int(mlp)) if mlp else EMBED
    if side:
        return writer, Reader(int(layer), int(other), _SIDES[side])
    return writer, Reader(int(into), -1, "mlp") if into else UNEMBED


def node_name(writer: Writer) -> str:
    """MIB's name of a writer."""
    if writer.kind == "head":
        return f"a{writer.layer}.h{writer.index}"
    return f"m{writer.layer}" if writer.kind == "mlp" else "input"
