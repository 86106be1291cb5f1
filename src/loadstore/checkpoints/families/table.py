"""Which family builds which ``model_type`` of a config.json."""

from difflib import get_close_matches

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families import (
    arcee,
    bigcode,
    bloom,
    cohere,
    deepseek,
    ernie,
    falcon,
    gemma,
    gemma1,
    gemma2,
    gpt2,
    gptj,
    gptneo,
    gptoss,
    granite,
    llama,
    mixtral,
    mpt,
    nemotron,
    neox,
    olmo,
    olmoe,
    opt,
    phi,
    phi3,
    qwen_moe,
    smollm3,
    stablelm,
    starcoder,
)
from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.families.wrapped import WRAPPERS, Family, unwrapped
from loadstore.errors import LoadstoreError
from loadstore.model.weights import Weights
from loadstore.quote import quote


def _naming(build: Family) -> Family:
    """A family whose refusals all name the file, those of an impossible architecture too."""

    def named(checkpoint: Checkpoint, facts: Facts) -> Weights:
        try:
            return build(checkpoint, facts)
        except LoadstoreError as error:
            if str(checkpoint.path) in str(error):
                raise
            raise type(error)(f"{checkpoint.path}: {error}") from None

    return named


MODULES = (
    gpt2,
    arcee,
    ernie,
    nemotron,
    neox,
    llama,
    gemma,
    phi,
    phi3,
    stablelm,
    starcoder,
    opt,
    gptneo,
    gptj,
    gemma1,
    olmo,
    granite,
    smollm3,
    gemma2,
    cohere,
    bloom,
    mpt,
    falcon,
    bigcode,
    mixtral,
    qwen_moe,
    olmoe,
    gptoss,
    deepseek,
)
FAMILIES: dict[str, Family] = {name: _naming(module.build) for module in MODULES for name in module.TYPES}


def family(checkpoint: Checkpoint) -> Family | None:
    """The family that a config names, or None; that of its text decoder for a model of images and text."""
    kind = str((checkpoint.config or {}).get("model_type"))
    if kind in WRAPPERS:
        return _naming(unwrapped(FAMILIES.__getitem__, WRAPPERS[kind]))
    return FAMILIES.get(kind)


def stated(checkpoint: Checkpoint) -> str:
    """What the config says that it is, and the closest name that is supported, for a message; empty if it says none."""
    kind = (checkpoint.config or {}).get("model_type")
    if kind is None:
        return ""
    alike = get_close_matches(str(kind), FAMILIES, 1, 0.5)
    near = f" (the closest that is supported is '{alike[0]}')" if alike else ""
    return f"; its config says model_type '{quote(kind, 40)}'{near}"


def supported() -> str:
    """Every ``model_type`` that there is a family for, for a message."""
    return ", ".join(sorted({*FAMILIES, *WRAPPERS}))
