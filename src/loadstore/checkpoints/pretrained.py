"""Live models of ``transformers``, which is not imported: read like the folder they would be saved to, never run.

``config.to_dict()`` and ``state_dict()`` hold the contents of config.json and the tensor files. Tensors are shared, not
copied: a large model is not in memory twice, and later training changes the loaded weights.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.quote import quote
from loadstore.tokenizer.bos import tokens_in
from loadstore.tokenizer.tokens import Tokens

PATH = "_name_or_path"


@runtime_checkable
class Pretrained(Protocol):
    """The required interface of a live model: its config and its tensors."""

    @property
    def config(self) -> Any:
        """Settings, with ``to_dict``."""
        ...

    def state_dict(self) -> Mapping[str, Any]:
        """Tensors by name."""
        ...


def pretrained_checkpoint(model: Pretrained) -> Checkpoint:
    """Its settings and its tensors, shared. Raises BadCheckpoint unless all tensors hold numbers on the CPU."""
    where, facts = f"the live model {pretrained_name(model)}", _settings(model)
    if facts.get("quantization_config") is not None:
        raise NotThisModel(f"{where} is quantised in memory; load it in float16 or wider, without quantization_config")
    tensors = {str(name): value for name, value in model.state_dict().items() if isinstance(value, Tensor)}
    for name, tensor in tensors.items():
        if tensor.is_meta:
            raise BadCheckpoint(f"{where}: tensor '{quote(name)}' has no values yet; load its weights first")
        if tensor.device.type != "cpu":
            raise BadCheckpoint(f"{where}: tensor '{quote(name)}' lies on {tensor.device}; move it with model.cpu()")
    return Checkpoint(Path(where), tensors, {}, facts)


def pretrained_name(model: Pretrained) -> str:
    """The last part of its origin, or its class name."""
    return quote(Path(str(_settings(model).get(PATH) or type(model).__name__)).name, 80)


def pretrained_tokens(model: Pretrained, vocab: int) -> Tokens | None:
    """The tokenizer in the folder of its origin, if any; the model itself holds none. Raises BadCheckpoint."""
    path = str(_settings(model).get(PATH) or "")
    return tokens_in(Path(path), vocab, "reference") if path and Path(path).is_dir() else None


def _settings(model: Pretrained) -> dict[str, Any]:
    """The config as a dict, with the model's origin, which ``to_dict`` omits."""
    config: Any = model.config
    return {**{str(key): value for key, value in config.to_dict().items()}, PATH: getattr(config, PATH, None)}
