"""Which family builds which ``model_type`` of a config.json."""

from collections.abc import Callable
from typing import TypeAlias

from loadstore.models.checkpoint import Checkpoint
from loadstore.models.families import gpt2, llama, neox
from loadstore.models.families.huggingface import Facts
from loadstore.models.quote import quote
from loadstore.models.weights import Weights

Family: TypeAlias = Callable[[Checkpoint, Facts], Weights]
FAMILIES: dict[str, Family] = {name: module.build for module in (gpt2, neox, llama) for name in module.TYPES}


def family(checkpoint: Checkpoint) -> Family | None:
    """The family that a config names, or None."""
    return FAMILIES.get(str((checkpoint.config or {}).get("model_type")))


def stated(checkpoint: Checkpoint) -> str:
    """What the config says that it is, for a message; empty where there is none."""
    kind = (checkpoint.config or {}).get("model_type")
    return "" if kind is None else f"; its config says model_type '{quote(kind, 40)}'"
