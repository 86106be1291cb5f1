"""Names of the columns that an MLP reads, and of the rows that it stores."""

from loadstore.model.architecture import Architecture
from loadstore.sites import Reader, Writer


def unit_name(shape: Architecture, site: Writer | Reader, row: int) -> str:
    """The name of a row that an MLP stores, or of a column that it reads.

    The units of expert e of width w are those from e·w on, and those that every token uses follow. Behind the units a
    writer has the biases that experts store; a reader has a second column for each unit if there is a gate, then the
    columns of the router, and one of the gate of the units that every token uses.

    Args:
        shape: The architecture.
        site: The MLP, or a part of it that is a site, as a writer or as a reader.
        row: The number of the row or column.

    Returns:
        The name, such as ``unit·3``.
    """
    mixture, kind = shape.experts_of(site.layer), site.kind if isinstance(site, Writer) else site.side
    experts = 0 if mixture is None or kind in ("expert", "shared") else mixture.count
    width = shape.width(site.layer)
    if mixture is not None and kind != "mlp":
        width = {"expert": mixture.width, "shared": shape.shared_width}.get(kind, 0)
    gates = width if shape.mlp is None or shape.mlp.gated else 0
    behind = (
        (("bias", max(experts, kind == "expert")),)
        if isinstance(site, Writer)
        else (("gate", gates), ("router", experts))
    )
    for name, count in (("unit", width), *behind):
        if row < count:
            return f"{name}·{row}"
        row -= count
    return f"shared·{row}"
