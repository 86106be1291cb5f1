"""From a name or a path to Weights."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel
from loadstore.models.architecture import POSITIONS, Positions, one_of
from loadstore.models.checkpoint import Checkpoint, read_checkpoint
from loadstore.models.families import legacy, own
from loadstore.models.quote import quote, some
from loadstore.models.tokens import Tokens
from loadstore.models.weights import Weights

BUILTIN = "builtin"
BOS_NAMES = ("<|bos|>", "<|endoftext|>", "<s>", "<|begin_of_text|>", "<|BOS|>")


def builtin_path() -> Path:
    """Where the built-in model's file lies."""
    return Path(str(files("loadstore") / "data" / "builtin.safetensors"))


def load(source: str | Path = BUILTIN, *, positions: Positions | None = None) -> Weights:
    """Load a model: ``"builtin"``, a folder, or a .safetensors / .pth / .pt / .bin file.

    Weights are never changed: half-precision files are widened, nothing is folded or centred. ``positions``
    states the scheme of a bare state dict that has no config. A ``tokenizer.json`` beside the file is used.
    Raises BadRequest (no such file), BadCheckpoint (damaged or hostile), NotThisModel (unsupported or unstated).
    """
    if positions not in (None, *POSITIONS):
        raise BadRequest(f"positions={positions!r}: expected {one_of(POSITIONS)}")
    path = builtin_path() if str(source) == BUILTIN else Path(source)
    if not _exists(path := _home(path)):
        raise BadRequest(
            f"there is no model '{quote(source)}': expected 'builtin', a folder, "
            "or a .safetensors, .pth, .pt or .bin file"
        )
    checkpoint = read_checkpoint(path)
    if own.recognise(checkpoint):
        weights = own.build(checkpoint)
        if positions not in (None, weights.architecture.positions):
            raise NotThisModel(
                f"{path} says {weights.architecture.positions} positions, positions={positions!r} was given"
            )
    elif legacy.recognise(checkpoint):
        weights = legacy.build(checkpoint, positions)
    else:
        raise NotThisModel(
            f"{path} is no architecture that loadstore knows (its tensors: "
            f"{some(sorted(checkpoint.tensors))}); supported: loadstore's own files and attention-only "
            "checkpoints in HookedTransformer naming"
        )
    if len({tensor.dtype for _, tensor in weights.named()}) > 1:
        weights = weights.double()  # mixed formats cannot be multiplied; the widest changes no number
    return weights if weights.tokens is not None else replace(weights, tokens=_tokens_beside(checkpoint, weights))


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


def _tokens_beside(checkpoint: Checkpoint, weights: Weights) -> Tokens | None:
    beside = checkpoint.path.parent / "tokenizer.json"
    if not beside.exists():
        return None
    try:
        text = beside.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadCheckpoint(f"{beside} cannot be read ({quote(error)}); mend or remove it") from None
    tokens = Tokens.from_json(text, None, weights.architecture.vocab, str(beside))
    known = [tokens.tokenizer.token_to_id(name) for name in BOS_NAMES]
    return replace(tokens, bos=next((token for token in known if token is not None), None))
