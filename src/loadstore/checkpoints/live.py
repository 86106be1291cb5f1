"""Live HookedTransformer objects of TransformerLens up to 3: read like one of its files, never run.

``cfg`` and ``state_dict()`` hold the contents of a checkpoint and its config.json, even after TransformerLens has
folded and centred (it then states LNPre). TransformerLens itself is never imported.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.pretrained import Pretrained
from loadstore.errors import BadCheckpoint, BadRequest
from loadstore.quote import quote
from loadstore.tokenizer.bos import Rule
from loadstore.tokenizer.tokens import Tokens


@runtime_checkable
class Live(Protocol):
    """The required interface of a live model: its config and its tensors."""

    @property
    def cfg(self) -> Any:
        """A config object, or a dict of settings."""
        ...

    def state_dict(self) -> Mapping[str, Any]:
        """Tensors by name."""
        ...


def as_live(model: object) -> Live | Pretrained:
    """Return ``model`` if it can be read. Raises BadRequest and lists what can be loaded."""
    if isinstance(model, Live) or (isinstance(model, Pretrained) and hasattr(model.config, "to_dict")):
        return model
    raise BadRequest(
        f"a {type(model).__name__} is not a model: expected a name, a path, or a live model: one of transformers "
        "(which has config and state_dict), or a HookedTransformer (which has cfg and state_dict)"
    )


def live_checkpoint(model: Live) -> Checkpoint:
    """The config, and the tensors on the CPU; ``Checkpoint.take`` copies them, so later training cannot change Weights.

    Raises BadCheckpoint if a tensor has no content.
    """
    where = f"the live model {live_name(model)}"
    state = {str(name): value for name, value in model.state_dict().items() if isinstance(value, Tensor)}
    for name, tensor in state.items():
        if tensor.is_meta:
            raise BadCheckpoint(f"{where}: tensor '{quote(name)}' has no values yet; load its weights first")
    tensors = {name: tensor.detach().to("cpu") for name, tensor in state.items()}
    return Checkpoint(Path(where), tensors, {}, settings(model))


def live_name(model: Live) -> str:
    """The model's name in its config, or its class name."""
    return quote(settings(model).get("model_name") or type(model).__name__, 80)


def settings(model: Live) -> dict[str, Any]:
    """The config as a dict. Raises BadRequest if it has no readable settings."""
    config: Any = model.cfg
    settings: object = config.to_dict() if hasattr(config, "to_dict") else getattr(config, "__dict__", config)
    if not isinstance(settings, Mapping):
        raise BadRequest(
            f"the config of this {type(model).__name__} is a {type(config).__name__}, expected the settings of a "
            "HookedTransformer; save its state dict and config.json and load those"
        )
    return {str(key): value for key, value in settings.items()}


def live_tokens(model: Live, vocab: int, rule: Rule) -> Tokens | None:
    """The tokenizer of the model, if it is a fast one: its ``backend_tokenizer``, with its ``bos_token_id``.

    Raises BadCheckpoint if it does not belong to this model.
    """
    holder: Any = getattr(model, "tokenizer", None)
    backend: Any = getattr(holder, "backend_tokenizer", None)
    if backend is None:
        return None
    where = f"the tokenizer of the live model {live_name(model)}"
    bos: object = getattr(holder, "bos_token_id", None)
    if bos is not None and (type(bos) is not int or not 0 <= bos < vocab):
        raise BadCheckpoint(f"{where} begins texts with token {quote(bos, 40)}, expected an id below {vocab}")
    return replace(Tokens.from_json(backend.to_str(), bos if rule == "always" else None, vocab, where), own=bos)
