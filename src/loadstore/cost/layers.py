"""The sizes that costs are counted from: parameters, sites and wires of a model's shape."""

from loadstore.model.architecture import Architecture

WIDE = 4  # bytes of a float32
DOUBLE = 8  # bytes of a double


def layer_parameters(shape: Architecture) -> float:
    """Parameters of one layer's matrices that one token uses, in the mean over layers."""
    attention = shape.d_model * (shape.d_head + shape.value_width) * (shape.n_heads + shape.kv_heads)
    units = sum(shape.used_units(layer) for layer in range(shape.n_layers)) / shape.n_layers
    mlp = 0.0 if shape.mlp is None else shape.d_model * units * (3 if shape.mlp.gated else 2)
    router = 0 if shape.experts is None else shape.d_model * (shape.experts.count + (shape.shared_width > 0))
    routed = 0 if shape.experts is None else 1 - len(shape.experts.without) / shape.n_layers
    return attention + mlp + router * routed


def heads_of(shape: Architecture) -> int:
    """The number of heads."""
    return shape.n_layers * shape.n_heads


def mlps_of(shape: Architecture) -> int:
    """The number of MLPs."""
    return 0 if shape.mlp is None else shape.n_layers


def site_wires(shape: Architecture) -> float:
    """The number of pairs of a head or an MLP and a later reader of a head."""
    return 1.5 * heads_of(shape) * (heads_of(shape) + mlps_of(shape))


def wires_of(shape: Architecture) -> float:
    """The number of wires: pairs of a writer and a later reader, those of embeddings and the unembedding, too."""
    layers, heads = shape.n_layers, shape.n_heads
    mlp = shape.mlp is not None
    before = layers * (layers - 1) / 2 * (heads + mlp) + layers  # writers before each layer, summed
    into_mlps = before + layers * heads * (not shape.mlp.parallel) if shape.mlp is not None else 0.0
    return before * 3 * heads + into_mlps + layers * (heads + mlp) + 1


def rows_of_dense(shape: Architecture) -> float:
    """Rows of the matrices that are as wide as the stream and as tall or taller: their Gram matrices are computed."""
    units = sum(shape.width(layer) for layer in range(shape.n_layers))
    inside = 0 if shape.mlp is None else units * (3 if shape.mlp.gated else 2)
    return 2.0 * shape.vocab + float(inside)


def widths(shape: Architecture) -> tuple[int, int]:
    """Rows of all writers' cores and columns of all readers' cores, each at most d_model."""
    heads, mlps = heads_of(shape) * shape.d_head, mlps_of(shape) * shape.d_model
    return heads + mlps + shape.d_model, 3 * heads + mlps + shape.d_model
