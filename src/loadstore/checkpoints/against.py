"""Compares a model's logits on a few tokens with those of ``transformers`` for the same files.

``transformers`` is imported only for this check. Both compute in float32, or in float64 if a live model does.
"""

import copy
import importlib
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from loadstore.checkpoints.checkpoint import USUAL
from loadstore.checkpoints.gguf_parts import parts_of
from loadstore.checkpoints.pretrained import Pretrained
from loadstore.checkpoints.quiet import quiet
from loadstore.checkpoints.shards import is_index
from loadstore.checkpoints.tensorfile import PACKED
from loadstore.errors import BadCheckpoint, BadRequest
from loadstore.execution.run import run
from loadstore.model.comparison import Comparison
from loadstore.model.weights import Weights
from loadstore.quote import quote

TOKENS = 64
TOLERANCE = 1e-4  # relative to the largest logit; deep models differ by 1e-6 to 1e-5 in float32


def check_file(weights: Weights, path: Path) -> Comparison:
    """Compare a model with the model that ``transformers`` reads from its file.

    Args:
        weights: The model as loadstore reads it.
        path: Its model file, or the index of its shards, with config.json in the same folder; or a GGUF file.

    Returns:
        The comparison, with the largest difference.

    Raises:
        BadRequest: ``transformers`` is not installed, or cannot read this file or a model in parts.
        BadCheckpoint: The logits differ by more than the tolerance.
    """
    library = _library()
    if len(parts_of(path.name)) > 1:
        raise refused(f"{path.name}, a GGUF model in several parts")
    if path.suffix == PACKED:
        return _compared(weights, library, lambda: _opened(library, path.parent, gguf_file=path.name))
    if is_index(path) or path.name in USUAL:
        return _compared(weights, library, lambda: _opened(library, path.parent))
    with TemporaryDirectory() as folder:  # the file name that transformers expects
        usual = USUAL[0] if path.suffix == ".safetensors" else USUAL[2]
        (Path(folder) / usual).symlink_to(path.resolve())
        (Path(folder) / "config.json").symlink_to((path.parent / "config.json").resolve())
        return _compared(weights, library, lambda: _opened(library, Path(folder)))


def check_live(weights: Weights, model: object) -> Comparison:
    """Compare a model with the live one that it was read from, which is copied and not modified.

    Raises:
        BadRequest: It is not a model of ``transformers``.
        BadCheckpoint: The logits differ by more than the tolerance.
    """
    if not isinstance(model, Pretrained):
        raise refused(f"a live {type(model).__name__}")
    live: Any = model
    return _compared(weights, _library(), lambda: copy.deepcopy(live).to(weights.dtype))


def refused(what: str) -> BadRequest:
    """Return the error for a model that ``transformers`` cannot read."""
    return BadRequest(
        f"check=True compares logits with transformers, which cannot read {what}: it reads models of its own kinds, "
        "with a config.json, and GGUF; load it without check"
    )


def _library() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module("transformers")
    except ImportError:
        raise BadRequest(
            "check=True compares logits with transformers, which is not installed; install it (and accelerate, for "
            "GGUF), or load the model without check"
        ) from None


def _opened(library: Any, folder: Path, **how: Any) -> Any:
    return library.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, trust_remote_code=False, **how
    )


def _compared(weights: Weights, library: Any, opened: Callable[[], Any]) -> Comparison:
    shape = weights.architecture
    tokens = (torch.arange(min(TOKENS, shape.context)) * 7 + 3)[None] % shape.vocab
    try:
        with quiet(library):
            model = opened().eval()
            model.config._experts_implementation = "eager"  # its kernels refuse some widths
            theirs: Tensor = model(tokens, use_cache=False, return_dict=True).logits
    except Exception as error:  # for any error, the library cannot compute this model
        raise BadRequest(
            f"check=True: transformers {library.__version__} cannot read {weights.name} ({quote(error)}); load it "
            "without check"
        ) from None
    ours = run(weights, tokens).logits.cpu()
    largest = float(theirs.abs().max())
    difference = float((ours - theirs).abs().max()) / largest if largest else float(ours.abs().max())
    if not difference <= TOLERANCE:
        raise BadCheckpoint(
            f"{weights.name}: its logits differ from those of transformers {library.__version__} by up to "
            f"{difference:.1e} of the largest, expected at most {TOLERANCE:.0e}; loadstore reads this model "
            "differently, report it with the config.json"
        )
    return Comparison(f"transformers {library.__version__}", tokens.shape[1], difference, TOLERANCE)
