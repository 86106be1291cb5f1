"""MLPs in HookedTransformer naming: which there are, and the tensors of one."""

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.legacy_config import Config, agreed, truth
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.model.architecture import NormKind
from loadstore.model.layers import MlpLayer, Norm
from loadstore.model.mlp_facts import Activation, Mlp
from loadstore.quote import quote

ACTIVATIONS: dict[str, Activation] = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "silu": "silu",
    "relu": "relu",
    "solu": "solu",
    "solu_ln": "solu_ln",
}
W_IN, W_GATE = "blocks.0.mlp.W_in", "blocks.0.mlp.W_gate"


def mlp_of(checkpoint: Checkpoint, config: Config) -> Mlp | None:
    """The MLP that every layer has, None in an attention-only model.

    Raises BadCheckpoint where config and tensors do not agree, NotThisModel where the activation is not stated or not
    computed.
    """
    path, tensors = checkpoint.path, checkpoint.tensors
    has, gated = any(".mlp." in name for name in tensors), W_GATE in tensors
    agreed(config, {"attn_only": not has}, path)
    if not has:
        return None
    width = checkpoint.dimension(W_IN, 1)
    agreed(config, {"d_mlp": width, "gated_mlp": gated}, path)
    stated = config.get("act_fn")
    if stated is None:
        raise NotThisModel(
            f"{path} has MLPs and does not state their activation; add a config.json beside it with act_fn, one of "
            f"{', '.join(ACTIVATIONS)}"
        )
    if str(stated) not in ACTIVATIONS:
        raise NotThisModel(
            f"{path}: its config says act_fn = {quote(stated, 40)}, which is not supported; supported are "
            f"{', '.join(ACTIVATIONS)}"
        )
    activation = ACTIVATIONS[str(stated)]
    if gated and activation == "solu_ln":
        raise NotThisModel(f"{path}: its config says act_fn = solu_ln, which is not supported with a gate (mlp.W_gate)")
    return Mlp(width, gated, activation, parallel=truth(config, "parallel_attn_mlp", path))


def check_inner(checkpoint: Checkpoint, mlp: Mlp | None, norm: NormKind, *, gains: bool) -> None:
    """Raise BadCheckpoint unless there is a LayerNorm inside the MLPs exactly where the config asks for one.

    TransformerLens gives it γ and β where its other norms are LayerNorms with γ, and none elsewhere.
    """
    expected = mlp is not None and mlp.activation == "solu_ln" and norm == "layer" and gains
    for part in ("w", "b"):
        name = f"blocks.0.mlp.ln.{part}"
        if (name in checkpoint.tensors) != expected:
            verb, act = ("no", "solu_ln") if expected else ("a", "another")
            raise BadCheckpoint(
                f"{checkpoint.path} has {verb} tensor '{name}', but its config says act_fn = {act} with these norms; "
                "they belong to different models"
            )


def mlp_layer(checkpoint: Checkpoint, mlp: Mlp, d: int, prefix: str, norm: Norm | None) -> MlpLayer:
    """The MLP of one layer behind its norm.

    In a gated MLP of TransformerLens b_in is added behind the product, (act(x W_gate) · (x W_in) + b_in) W_out: what it
    adds is the constant b_in W_out, and becomes a part of b_out.
    """
    at, width = f"{prefix}mlp.", mlp.width
    W_out = checkpoint.take(f"{at}W_out", width, d)
    b_in, b_out = checkpoint.bias(f"{at}b_in", width), checkpoint.bias(f"{at}b_out", d)
    if mlp.gated and b_in is not None:
        constant = (b_in.double() @ W_out.double()).to(W_out.dtype)
        b_in, b_out = None, constant if b_out is None else b_out + constant
    return MlpLayer(
        W_in=checkpoint.take(f"{at}W_in", d, width),
        W_out=W_out,
        W_gate=checkpoint.take(f"{at}W_gate", d, width) if mlp.gated else None,
        b_in=b_in,
        b_out=b_out,
        norm=norm,
        inner=_inner(checkpoint, f"{at}ln.", width) if mlp.activation == "solu_ln" else None,
    )


def _inner(checkpoint: Checkpoint, prefix: str, width: int) -> Norm:
    gain = f"{prefix}w"
    return Norm(
        gain=checkpoint.take(gain, width) if gain in checkpoint.tensors else None,
        bias=checkpoint.bias(f"{prefix}b", width),
    )
