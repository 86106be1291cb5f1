"""Loads Weights from a name, a path or a live model."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path

import torch

from loadstore.checkpoints.checkpoint import Checkpoint, read_checkpoint
from loadstore.checkpoints.families import gguf, legacy, own, table
from loadstore.checkpoints.families.foreign import refuse_quantised, refuse_recurrent
from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.families.keys import as_ignored
from loadstore.checkpoints.live import Live, as_live, live_checkpoint, live_name, live_tokens
from loadstore.checkpoints.place import BUILTIN, Place, builtin_path, find
from loadstore.checkpoints.pretrained import Pretrained, pretrained_checkpoint, pretrained_name, pretrained_tokens
from loadstore.checkpoints.structure.recognise import ByStructure, recognised, words
from loadstore.errors import BadRequest, NotThisModel
from loadstore.model.architecture import GIVEN, Positions
from loadstore.model.finite import Unchecked, damaged, is_finite
from loadstore.model.numbers import as_device, as_dtype
from loadstore.model.weights import Weights
from loadstore.quote import one_of, quote, some
from loadstore.tokenizer.bos import Bos, Rule, as_bos, tokens_in, with_bos

__all__ = ["BUILTIN", "builtin_path", "load"]
CHECKED = 1 << 30  # bytes that are checked completely at loading


def load(
    source: str | Path | Live | Pretrained = BUILTIN,
    *,
    positions: Positions | None = None,
    revision: str | None = None,
    bos: Bos = "model",
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype | None = None,
    ignore: Sequence[str] = (),
    check: bool = False,
) -> Weights:
    """Load ``"builtin"``, a folder, a model file, a published or hub name (``owner/name@revision``), or a live model.

    Weights are never changed: half precision is widened on use, nothing is folded or centred. See docs/checkpoints.md.

    Args:
        source: The model. A path that exists is never looked up on the hub. A live model is one of ``transformers``, or
            a HookedTransformer of TransformerLens up to 3.
        positions: The position scheme of a bare state dict without a config.
        revision: The revision of a repository on the hub.
        bos: Whether text begins with BOS: as the model's files state, always, or never. Token ids are taken unchanged.
        device: The device to compute on; only the CPU is measured.
        dtype: float32 or float64 to compute in; by default the stored dtype, promoted to at least float32.
        ignore: Keys to ignore although loadstore does not know or compute them: ``"key"`` or ``"object.key"`` of a
            config.json of Hugging Face, or a whole key of a GGUF file. ``Weights.ignored`` records them.
        check: Compare logits on a few tokens with ``transformers``, which must be installed. ``Weights.compared``
            records the largest difference.

    Returns:
        The weights, with the tokenizer if the model has one.

    Raises:
        BadRequest: The model does not exist or cannot be reached, or an argument does not fit it.
        BadCheckpoint: A file is damaged or malicious, or its logits differ from those of ``transformers``.
        NotThisModel: The model is not supported, or its files do not state what kind it is.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> model.architecture.n_heads, model.architecture.context
        (12, 256)
    """
    if positions not in (None, *GIVEN):
        raise BadRequest(f"positions={positions!r}: expected {one_of(GIVEN)}")
    begins, where, numbers = as_bos(bos), as_device(device), as_dtype(dtype)
    passed = as_ignored(ignore)
    if isinstance(source, str | Path):
        weights = _read(find(source, revision), positions, passed, check=check)
    else:
        weights = _live(as_live(source), positions, revision, passed)
        if check:
            from loadstore.checkpoints.against import check_live

            weights = replace(weights, compared=check_live(weights, source))
    if weights.ignored != passed:
        raise BadRequest(
            f"ignore={list(passed)} is for a config.json of Hugging Face or a GGUF file; {weights.name} has neither"
        )
    if weights.by_structure:
        warnings.warn(words(weights), ByStructure, stacklevel=2)
    tokens = with_bos(weights.tokens, begins, weights.name)
    return replace(weights, tokens=tokens, device=where, computed=numbers or weights.computed)


def _read(location: Place, positions: Positions | None, ignore: tuple[str, ...], *, check: bool) -> Weights:
    """Read the model at a place, with its tokenizer."""
    rule: Rule = "reference"
    theirs = True
    if (packed := gguf.packed(location.path)) is not None:
        path, weights = packed, gguf.build(packed, ignore)
        weights = replace(weights, name=location.name or weights.name, ignored=ignore)
    else:
        checkpoint = read_checkpoint(location.path)
        path, weights, rule = checkpoint.path, _build(checkpoint, positions, location.name, ignore), _rule(checkpoint)
        theirs = _theirs(checkpoint)
    if check:
        from loadstore.checkpoints.against import check_file, refused

        if not theirs:
            raise refused(str(path))
        weights = replace(weights, compared=check_file(weights, path))
    folder = location.folder(path)
    if weights.tokens is not None or folder is None:
        return weights
    return replace(weights, tokens=tokens_in(folder, weights.architecture.vocab, rule))


def _live(
    live: Live | Pretrained, positions: Positions | None, revision: str | None, ignore: tuple[str, ...]
) -> Weights:
    """Read a live model, with the tokenizer that it holds or names."""
    name = live_name(live) if isinstance(live, Live) else pretrained_name(live)
    if revision is not None:
        raise BadRequest(f"revision='{quote(revision)}' is for a model on the hub; {name} is a live one, leave it out")
    if isinstance(live, Live):
        checkpoint = live_checkpoint(live)
        weights = _build(checkpoint, positions, name, ignore)
        return replace(weights, tokens=live_tokens(live, weights.architecture.vocab, _rule(checkpoint)))
    weights = _build(pretrained_checkpoint(live), positions, name, ignore, live)
    return replace(weights, tokens=pretrained_tokens(live, weights.architecture.vocab))


def _build(
    checkpoint: Checkpoint,
    positions: Positions | None,
    name: str | None,
    ignore: tuple[str, ...] = (),
    live: Pretrained | None = None,
) -> Weights:
    """Pass a checkpoint to the family that recognises it, or a ``live`` model to the recognition of structure.

    Raises NotThisModel if the model is recognised by neither.
    """
    refuse_recurrent(checkpoint)
    if own.recognise(checkpoint):
        weights = own.build(checkpoint)
    elif legacy.recognise(checkpoint):
        weights = legacy.build(checkpoint, positions, name)
    elif (family := table.family(checkpoint)) is not None:
        checkpoint = refuse_quantised(checkpoint)
        weights = _finite(family(checkpoint, Facts(checkpoint, checkpoint.config or {}, ignore)), checkpoint)
        weights = replace(weights, name=weights.name if name is None else name, ignored=ignore)
    elif isinstance(live, torch.nn.Module):
        weights = replace(_finite(recognised(live, checkpoint), checkpoint), name=name or checkpoint.name)
    else:
        raise NotThisModel(
            f"{checkpoint.path} has an architecture that loadstore does not know ({_beside(checkpoint)}its tensors: "
            f"{some(sorted(checkpoint.tensors), 3)}{table.stated(checkpoint)}); supported: loadstore's own files, "
            f"checkpoints in HookedTransformer naming, and with a config.json the model_type {table.supported()}"
        )
    if positions not in (None, weights.architecture.positions):
        raise NotThisModel(
            f"{checkpoint.path} says {weights.architecture.positions} positions, positions={positions!r} was given"
        )
    kinds = {tensor.dtype for _, tensor in weights.named()}
    if len(kinds) > 1:  # converting to the widest changes no number
        weights = replace(weights, computed=reduce(torch.promote_types, kinds, torch.float32))
    return weights


def _beside(checkpoint: Checkpoint) -> str:
    return "there is no config.json beside it; " if checkpoint.config is None else ""


def _finite(weights: Weights, checkpoint: Checkpoint) -> Weights:
    """Check for NaN and infinities: now, or in a large file on first use. Raises BadCheckpoint."""
    if sum(tensor.nbytes for tensor in checkpoint.tensors.values()) > CHECKED:
        return replace(weights, unchecked=Unchecked(checkpoint.path, checkpoint.tensors))
    for name, tensor in checkpoint.tensors.items():
        if not is_finite(tensor):
            raise damaged(checkpoint.path, name)
    return weights


def _theirs(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint has the layout of a ``transformers`` model."""
    other = own.recognise(checkpoint) or legacy.recognise(checkpoint)
    return not other and table.family(checkpoint) is not None


def _rule(checkpoint: Checkpoint) -> Rule:
    """The BOS rule: the reference's for Hugging Face folders; else always, unless the config disables it."""
    if table.family(checkpoint) is not None and not legacy.recognise(checkpoint):
        return "reference"
    return "never" if str((checkpoint.config or {}).get("default_prepend_bos")) == "False" else "always"
