"""From a name, a path or a live model to Weights."""

from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import torch

from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel
from loadstore.models.architecture import POSITIONS, Positions, one_of
from loadstore.models.checkpoint import Checkpoint, read_checkpoint
from loadstore.models.families import gguf, legacy, own, table
from loadstore.models.families.huggingface import Facts
from loadstore.models.installed import INSTALLED, installed
from loadstore.models.live import Live, as_live, live_checkpoint, live_name, live_tokens
from loadstore.models.names import nearest
from loadstore.models.quote import quote, some
from loadstore.models.repository import address
from loadstore.models.tokens import tokens_in
from loadstore.models.weights import Weights

BUILTIN = "builtin"
CHECKED = 1 << 30  # bytes that are read through at loading


def builtin_path() -> Path:
    """Where the built-in model's file lies."""
    return Path(str(files("loadstore") / "data" / "builtin.safetensors"))


@dataclass(frozen=True, slots=True)
class _Place:
    """A model file or folder, the model's name if the file is not called so, and the folder of its tokenizer."""

    path: Path
    name: str | None = None
    tokenizer: Path | None = None


def load(
    source: str | Path | Live = BUILTIN, *, positions: Positions | None = None, revision: str | None = None
) -> Weights:
    """Load ``"builtin"``, a folder, a model file, a published or hub name (``owner/name@revision``), or a live model.

    Weights are never changed: half-precision files are widened, nothing is folded or centred. ``positions``
    states the scheme of a bare state dict that has no config. A ``tokenizer.json`` beside the file is used. A path
    that exists is never looked up on the hub; a live model is a HookedTransformer of TransformerLens up to 3.
    Raises BadRequest (no such model, or no way to it), BadCheckpoint (damaged or hostile), NotThisModel (unsupported
    or unstated). See docs/checkpoints.md.
    """
    if positions not in (None, *POSITIONS):
        raise BadRequest(f"positions={positions!r}: expected {one_of(POSITIONS)}")
    if isinstance(source, str | Path):
        place = _find(source, revision)
        if (packed := gguf.packed(place.path)) is not None:
            weights = gguf.build(packed)
            tokens = weights.tokens or tokens_in(packed.parent, weights.architecture.vocab)
            return replace(weights, tokens=tokens, name=place.name or weights.name)
        checkpoint = read_checkpoint(place.path)
        weights = _build(checkpoint, positions, place.name)
        if weights.tokens is not None:
            return weights
        folder = checkpoint.path.parent if place.name is None else place.tokenizer
        if folder is None:
            return weights
        tokens = tokens_in(folder, weights.architecture.vocab, prepend_bos=_prepends(checkpoint))
        return replace(weights, tokens=tokens)
    live = as_live(source)
    if revision is not None:
        raise BadRequest(
            f"revision={revision!r} is for a model on the hub; {live_name(live)} is a live one, leave it out"
        )
    checkpoint = live_checkpoint(live)
    weights = _build(checkpoint, positions, live_name(live))
    tokens = live_tokens(live, weights.architecture.vocab, prepend_bos=_prepends(checkpoint))
    return replace(weights, tokens=tokens)


def _build(checkpoint: Checkpoint, positions: Positions | None, name: str | None) -> Weights:
    """Hand a checkpoint to the family that recognises it."""
    if own.recognise(checkpoint):
        weights = own.build(checkpoint)
        if positions not in (None, weights.architecture.positions):
            raise NotThisModel(
                f"{checkpoint.path} says {weights.architecture.positions} positions, positions={positions!r} was given"
            )
    elif legacy.recognise(checkpoint):
        weights = legacy.build(checkpoint, positions, name)
    elif (family := table.family(checkpoint)) is not None:
        weights = _finite(family(checkpoint, Facts(checkpoint, checkpoint.config or {})), checkpoint)
        return weights if name is None else replace(weights, name=name)
    else:
        raise NotThisModel(
            f"{checkpoint.path} is no architecture that loadstore knows (its tensors: "
            f"{some(sorted(checkpoint.tensors))}{table.stated(checkpoint)}); supported: loadstore's own files, "
            "checkpoints in HookedTransformer naming, and folders with the config.json of "
            f"{', '.join(table.FAMILIES)}"
        )
    if len({tensor.dtype for _, tensor in weights.named()}) > 1:
        weights = weights.double()  # mixed formats cannot be multiplied; the widest changes no number
    return weights


def _finite(weights: Weights, checkpoint: Checkpoint) -> Weights:
    """Refuse NaN and infinities; large files are not read through for them. Raises BadCheckpoint."""
    if sum(tensor.nbytes for tensor in checkpoint.tensors.values()) <= CHECKED:
        for name, tensor in checkpoint.tensors.items():
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                raise BadCheckpoint(
                    f"{checkpoint.path}: tensor '{quote(name)}' has NaN or infinite entries; the file is damaged or "
                    "the training that made it diverged, fetch it again"
                )
    return weights


def _find(source: str | Path, revision: str | None) -> _Place:
    """Where a name leads: the built-in file, a path that exists, or a copy from the hub."""
    path = builtin_path() if str(source) == BUILTIN else _home(Path(source))
    if _exists(path):
        if revision is not None:
            raise BadRequest(f"revision={revision!r} is for a model on the hub; {path} is here, leave it out")
        return _Place(path)
    if str(source) in INSTALLED:
        return _Place(installed(str(source)), str(source))
    if isinstance(source, str) and (where := address(source, revision)) is not None:
        from loadstore.models.hub import fetch

        found = fetch(where)
        return _Place(found.model, found.name, found.tokenizer)
    near = nearest(str(source))
    raise BadRequest(
        f"there is no model '{quote(source)}': expected 'builtin', a folder, a .safetensors, .pth, .pt or .bin file, "
        f"or a name on the hub as owner/name{'' if near is None else f'; did you mean {near!r}?'}"
    )


def _prepends(checkpoint: Checkpoint) -> bool:
    """Whether a text begins with BOS: always, as in TransformerLens, unless the config says otherwise."""
    return str((checkpoint.config or {}).get("default_prepend_bos")) != "False"


def _home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # ~ of someone who has no home
        return path


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a name, or a NUL in it
        return False
