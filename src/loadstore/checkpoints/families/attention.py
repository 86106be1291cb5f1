"""The layers of most families: Q, K, V and O in four matrices, as since Llama, or Q, K and V in one."""

from torch import Tensor

from loadstore.checkpoints.families.huggingface import Reader, biases_of, heads_of, outputs_of, some_bias
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Experts, Layer, MlpLayer, Norm


def layer_of(
    read: Reader,
    at: str,
    shape: Architecture,
    norm: Norm | None,
    mlp: MlpLayer,
    *,
    inputs: bool,
    output: bool,
    out: str = "o_proj",
    q_norm: Norm | None = None,
    k_norm: Norm | None = None,
    after_heads: Norm | None = None,
) -> Layer:
    """Name the tensors of one layer.

    Args:
        read: The file.
        at: What stands before ``q_proj``, such as ``layers.0.self_attn.``.
        shape: The architecture.
        norm: The norm before attention.
        mlp: The MLP.
        inputs: Whether Q, K and V have biases; those that are not stated are left over in the file, which is an error.
        output: Whether O has a bias.
        out: The name of the output projection.
        q_norm: The norm of queries.
        k_norm: The norm of keys.
        after_heads: The norm of what the heads store together.
    """
    h, kv, d, e = shape.n_heads, shape.kv_heads, shape.d_model, shape.d_head

    def bias(name: str, width: int, *, stated: bool) -> Tensor | None:
        return read.maybe(f"{at}{name}.bias", width) if stated else None

    return Layer(
        W_Q=heads_of(read(f"{at}q_proj.weight", h * e, d), h),
        W_K=heads_of(read(f"{at}k_proj.weight", kv * e, d), kv),
        W_V=heads_of(read(f"{at}v_proj.weight", kv * e, d), kv),
        W_O=outputs_of(read(f"{at}{out}.weight", d, h * e), h),
        b_Q=biases_of(bias("q_proj", h * e, stated=inputs), h),
        b_K=biases_of(bias("k_proj", kv * e, stated=inputs), kv),
        b_V=biases_of(bias("v_proj", kv * e, stated=inputs), kv),
        b_O=some_bias(bias(out, d, stated=output)),
        norm=norm,
        q_norm=q_norm,
        k_norm=k_norm,
        mlp=mlp,
        after_heads=after_heads,
    )


def fused_layer(
    read: Reader,
    at: str,
    shape: Architecture,
    norm: Norm | None,
    mlp: MlpLayer,
    *,
    biased: bool,
    apart: bool = False,
    names: tuple[str, str] = ("query_key_value", "dense"),
) -> Layer:
    """Name the tensors of a layer whose first projection has, for each key/value head, its queries, its key, its value.

    Views of the file, except that queries of several groups are copied.

    Args:
        read: The file.
        at: What stands before the two projections, such as ``h.0.self_attention.``.
        shape: The architecture.
        norm: The norm before attention.
        mlp: The MLP.
        biased: Whether both projections have biases.
        apart: Whether the projection has all queries first, then all keys, then all values.
        names: Of the two projections.
    """
    h, kv, d, e = shape.n_heads, shape.kv_heads, shape.d_model, shape.d_head

    def parts(together: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Q, K and V, [head, d_head, …]."""
        if apart:
            q, k, v = together.split([h * e, kv * e, kv * e])
            return q.unflatten(0, (h, e)), k.unflatten(0, (kv, e)), v.unflatten(0, (kv, e))
        groups = together.unflatten(0, (kv, h // kv + 2, e))
        return groups[:, :-2].flatten(0, 1), groups[:, -2], groups[:, -1]

    Q, K, V = parts(read(f"{at}{names[0]}.weight", (h + 2 * kv) * e, d))
    bias = some_bias(read(f"{at}{names[0]}.bias", (h + 2 * kv) * e)) if biased else None
    b_Q, b_K, b_V = (None, None, None) if bias is None else parts(bias)
    return Layer(
        W_Q=Q.mT,
        W_K=K.mT,
        W_V=V.mT,
        W_O=outputs_of(read(f"{at}{names[1]}.weight", d, h * e), h),
        b_Q=b_Q,
        b_K=b_K,
        b_V=b_V,
        b_O=some_bias(read(f"{at}{names[1]}.bias", d)) if biased else None,
        norm=norm,
        mlp=mlp,
    )


def two_norms(read: Reader, at: str, shape: Architecture, *, centres: bool) -> tuple[Norm, Norm]:
    """The norms before attention and before the MLP of the layer ``at``, by the names that most families have."""
    return (
        read.norm(f"{at}input_layernorm", shape.d_model, centres=centres),
        read.norm(f"{at}post_attention_layernorm", shape.d_model, centres=centres),
    )


def across(read: Reader, name: str, shape: Architecture, heads: int) -> Norm:
    """An RMSNorm of queries or keys with one scale for all ``heads``, each of which has its own gains."""
    gain = read(f"{name}.weight", heads * shape.d_head)
    return Norm(gain.unflatten(0, (heads, -1)), centres=False, across_heads=True)


def gated(
    read: Reader,
    at: str,
    shape: Architecture,
    norm: Norm | None,
    after: Norm | None = None,
    *,
    biased: bool = False,
    experts: Experts | None = None,
    width: int | None = None,
) -> MlpLayer:
    """A gated MLP, as Llama has it; ``at`` is what stands before ``up_proj``; ``experts``: beside these units.

    ``width``: how many units there are; None for those that every token uses.
    """
    d, width = shape.d_model, shape.shared_width if width is None else width

    def bias(name: str, size: int) -> Tensor | None:
        return some_bias(read.maybe(f"{at}{name}.bias", size)) if biased else None

    return MlpLayer(
        W_in=read(f"{at}up_proj.weight", width, d).mT,
        W_gate=read(f"{at}gate_proj.weight", width, d).mT,
        W_out=read(f"{at}down_proj.weight", d, width).mT,
        b_in=bias("up_proj", width),
        b_gate=bias("gate_proj", width),
        b_out=bias("down_proj", d),
        norm=norm,
        after=after,
        experts=experts,
    )


def plain(read: Reader, shape: Architecture, names: tuple[str, str], norm: Norm | None, *, biased: bool) -> MlpLayer:
    """An MLP without a gate; ``names``: of its first projection and of its second."""
    assert shape.mlp is not None
    d, width = shape.d_model, shape.mlp.width
    first, second = names
    return MlpLayer(
        W_in=read(f"{first}.weight", width, d).mT,
        W_out=read(f"{second}.weight", d, width).mT,
        b_in=some_bias(read(f"{first}.bias", width)) if biased else None,
        b_out=some_bias(read(f"{second}.bias", d)) if biased else None,
        norm=norm,
    )


def llama_layer(shape: Architecture, read: Reader, at: str, *, biased: bool = False, inside: bool = False) -> Layer:
    """A layer of Llama: an RMSNorm before attention and one before a gated MLP.

    Args:
        shape: The architecture.
        read: The file.
        at: What stands before ``self_attn``, such as ``layers.0.``.
        biased: Whether Q, K, V and O have biases.
        inside: Whether the MLP has biases.
    """
    norm, after = two_norms(read, at, shape, centres=False)
    mlp = gated(read, f"{at}mlp.", shape, after, biased=inside)
    return layer_of(read, f"{at}self_attn.", shape, norm, mlp, inputs=biased, output=biased)
