"""Weights of the pieces that were found: views of the model's own parameters where they can be."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from loadstore.checkpoints.families.huggingface import some_bias
from loadstore.checkpoints.structure.alike import common_eps, require_alike
from loadstore.checkpoints.structure.blocks import Block
from loadstore.checkpoints.structure.differs import differs
from loadstore.checkpoints.structure.entry import Entry
from loadstore.checkpoints.structure.exits import Exit
from loadstore.checkpoints.structure.heads import HeadNorm
from loadstore.checkpoints.structure.norms import NormForm
from loadstore.checkpoints.structure.splits import of_biases, of_matrices
from loadstore.checkpoints.structure.turns import arranged
from loadstore.errors import NotThisModel
from loadstore.model.architecture import Architecture, NormKind, Positions
from loadstore.model.layers import Layer, MlpLayer, Norm
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights


def built(
    source: nn.Module, entry: Entry, blocks: list[Block], exit_: Exit, windows: list[int | None], longest: int
) -> Weights:
    """Return the weights.

    Args:
        source: The live model, whose parameters they are.
        entry: How tokens enter.
        blocks: Its layers.
        exit_: How logits leave.
        windows: The window of each layer.
        longest: How many tokens the model is verified on, which becomes the context.

    Raises:
        NotThisModel: Layers differ where one architecture has one fact for all.
    """
    eps, first = common_eps(entry, blocks, exit_), blocks[0]
    W_E, split = entry.rows(source, eps), first.heads.split
    require_alike(blocks)
    rotary, local, still, windows = arranged([block.heads.scores.rotary for block in blocks], windows, longest)
    slopes = first.heads.scores.slopes
    kinds: dict[Positions, object] = {"rotary": rotary, "alibi": slopes, "learned": entry.positions}
    given: list[Positions] = [name for name, kind in kinds.items() if kind is not None]
    if len(given) > 1:
        raise differs("positions", "learned ones, rotary ones or ALiBi", " and ".join(given))
    positions: Positions = given[0] if given else "none"
    before = [norm for block in blocks for norm in (block.norm, block.mlp_norm) if norm is not None]
    norm: NormKind = _kind(before[0]) if before else "none"
    scale = first.heads.scores.scale
    n_logits = exit_.unembedding.result.shape[-1]
    if n_logits != len(W_E):
        raise differs("unembedding", f"as many logits as the embedding has rows, {len(W_E)}", str(n_logits))
    shape = Architecture(
        n_layers=len(blocks),
        n_heads=split.n_heads,
        n_kv_heads=split.n_kv,
        d_model=W_E.shape[1],
        d_head=split.d_head,
        vocab=len(W_E),
        context=longest,
        positions=positions,
        norm=norm,
        final_norm="none" if exit_.norm is None else _kind(exit_.norm),
        eps=eps,
        rotary=rotary,
        local_rotary=local,
        unturned=still if rotary else (),
        mlp=_mlp(source, first),
        windows=tuple(windows) if any(windows) else None,
        slopes=slopes,
        score_scale=None if scale == split.d_head**-0.5 else scale,
        score_cap=first.heads.scores.cap,
        logit_cap=exit_.cap,
        embedding_scale=1.0 if entry.norm is not None else entry.scale,
        residual_scale=first.residual,
    )
    layers = tuple(_layer(source, block, layer) for layer, block in enumerate(blocks))
    W_U, b_U, final = _last(source, exit_)
    return Weights(shape, W_E, entry.places(source, longest), layers, W_U, some_bias(b_U), final)


def _last(source: nn.Module, exit_: Exit) -> tuple[Tensor, Tensor | None, Norm | None]:
    """W_U, b_U and the last norm, whose gain takes the multiplier of logits."""
    matrix, bias, norm = exit_.unembedding.weight(source), exit_.unembedding.bias(source), _norm(source, exit_.norm)
    if exit_.scale == 1:
        return matrix, bias, norm
    wide = torch.promote_types(matrix.dtype, torch.float32)
    bias = None if bias is None else bias.to(wide) * exit_.scale
    if norm is None:
        return matrix.to(wide) * exit_.scale, bias, None
    return matrix, bias, _times(norm, exit_.scale, matrix)


def _layer(source: nn.Module, block: Block, layer: int) -> Layer:
    """The matrices and norms of one layer. Raises NotThisModel where they do not fit together, and names the layer."""
    heads = block.heads
    matrices = [linear.weight(source) for linear in heads.inputs]
    W_Q, W_K, W_V = of_matrices(heads.split, matrices)
    b_Q, b_K, b_V = of_biases(heads.split, [linear.bias(source) for linear in heads.inputs], matrices)
    try:
        return Layer(
            W_Q=W_Q,
            W_K=W_K,
            W_V=W_V,
            W_O=heads.out.weight(source).unflatten(0, (heads.split.n_heads, heads.split.d_head)),
            b_Q=b_Q,
            b_K=b_K,
            b_V=b_V,
            b_O=some_bias(heads.out.bias(source)),
            norm=_norm(source, block.norm),
            q_norm=_head_norm(source, heads.q_norm, heads.split.d_head),
            k_norm=_head_norm(source, heads.k_norm, heads.split.d_head),
            mlp=_mlp_layer(source, block),
            after_heads=_norm(source, block.after_heads),
        )
    except NotThisModel as error:
        raise NotThisModel(f"layer {layer}: {error}") from None


def _mlp_layer(source: nn.Module, block: Block) -> MlpLayer | None:
    if block.units is None:
        return None
    units = block.units
    W_in, W_gate = units.of([linear.weight(source) for linear in units.inputs])
    biases = [linear.bias(source) for linear in units.inputs]
    zeros = [linear.weight(source).new_zeros(linear.result.shape[-1]) for linear in units.inputs]
    b_in, b_gate = units.of([zero if bias is None else bias for bias, zero in zip(biases, zeros, strict=True)])
    return MlpLayer(
        W_in=W_in,
        W_out=units.out.weight(source),
        W_gate=W_gate,
        b_in=some_bias(b_in),
        b_gate=some_bias(b_gate),
        b_out=some_bias(units.out.bias(source)),
        norm=_norm(source, block.mlp_norm),
        after=_norm(source, block.after_mlp),
    )


def _mlp(source: nn.Module, block: Block) -> Mlp | None:
    if block.units is None:
        return None
    width = block.units.out.weight(source).shape[0]
    return Mlp(width, block.units.gate != "none", block.units.activation, block.parallel)


def _kind(norm: NormForm) -> NormKind:
    return "layer" if norm.centres else "rms"


def _norm(source: nn.Module, form: NormForm | None) -> Norm | None:
    return None if form is None else form.norm(source)


def _head_norm(source: nn.Module, norm: HeadNorm | None, d_head: int) -> Norm | None:
    if norm is None:
        return None
    held = norm.form.norm(source)
    if not norm.across:
        return held
    gain = None if held.gain is None else held.gain.unflatten(-1, (-1, d_head))
    return replace(held, gain=gain, across_heads=True)


def _times(norm: Norm, scale: float, like: Tensor) -> Norm:
    wide = torch.promote_types(like.dtype, torch.float32)
    gain = like.new_full((like.shape[0],), scale, dtype=wide) if norm.gain is None else norm.gain.to(wide) * scale
    return replace(norm, gain=gain, bias=None if norm.bias is None else norm.bias.to(wide) * scale)
