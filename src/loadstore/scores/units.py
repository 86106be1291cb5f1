"""Names of the columns that an MLP reads, and of the rows that it stores."""

from loadstore.model.architecture import Architecture


def unit_name(shape: Architecture, row: int) -> str:
    """A unit by its number; a gated MLP has a second column for each, then come experts in the router, and one gate.

    The units of expert e of width w are those from e·w on, and those that every token uses follow.
    """
    width = 0 if shape.mlp is None else shape.mlp.width
    gates = width if shape.mlp is None or shape.mlp.gated else 0
    experts = 0 if shape.experts is None else shape.experts.count
    for name, count in (("unit", width), ("gate", gates), ("router", experts)):
        if row < count:
            return f"{name}·{row}"
        row -= count
    return f"shared·{row}"
