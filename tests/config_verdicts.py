"""Whether loadstore makes of a config what `transformers` makes of it: the same logits, or a refusal."""

import copy
import json
import random
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from config_cases import NO_NUMBER, Config, changed, legal
from reference_models import exact, library

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.families.table import FAMILIES
from loadstore.errors import BadCheckpoint
from loadstore.execution.run import run

IDS = torch.tensor([[3, 1, 4, 1, 5, 9, 2]])


@dataclass(frozen=True)
class Verdict:
    """``agree``, ``differ``, ``refused``, ``both`` (the reference refuses too) or ``lenient`` (only it refuses)."""

    word: str
    config: Config
    legal: bool = False
    why: str = ""
    model: Any = None


def verdict(kind: str, dice: random.Random) -> Verdict:
    """Draw one case and compare."""
    first = legal(kind, dice)
    config = first = _saved(first) if dice.random() < 0.25 else first
    for _ in range(dice.choice([0, 1, 1, 2, 3])):
        config = changed(config, dice)
    return replace(compared(config, first), legal=config is first)


def _saved(config: Config) -> Config:
    """The same config as the reference writes it: every field of its class."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stated = library().CONFIG_MAPPING[config["model_type"]].from_dict(copy.deepcopy(config))
        return json.loads(stated.to_json_string(use_diff=False))


def compared(config: Config, instead: Config | None = None) -> Verdict:
    """Compare one config; ``instead`` is one that the reference takes, for tensors where it refuses this one."""
    theirs, logits = _reference(config)
    if logits is None:  # where it refuses what changes no number (a temperature of -1), that is left out
        theirs, logits = _reference({name: one for name, one in config.items() if one is None or name not in NO_NUMBER})
    model = theirs if theirs is not None else _reference(instead or config)[0]
    tensors = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    checkpoint = Checkpoint(Path("config.json"), tensors, {}, config)
    try:
        ours = FAMILIES[config["model_type"]](checkpoint, Facts(checkpoint, copy.deepcopy(config)))
    except BadCheckpoint as error:
        return Verdict("both" if logits is None else "refused", config, why=str(error))
    if logits is None:
        return Verdict("lenient", config)
    tokens = (IDS % logits.shape[2])[:, : logits.shape[1]]
    loose = 1e-5 if config.get("reorder_and_upcast_attn") else 1e-8
    away = float((run(ours, tokens).logits - logits).abs().max()) / max(1.0, float(logits.abs().max()))
    return Verdict("agree" if away <= loose else "differ", config, why=f"{away:.1e}", model=ours)


def _tokens(stated: Any) -> torch.Tensor:
    """Tokens that are in the vocabulary, no more than the context."""
    names = ("max_position_embeddings", "max_seq_len")  # BLOOM's class has neither
    most = next((getattr(stated, name) for name in names if hasattr(stated, name)), IDS.numel())
    return (IDS % max(1, stated.vocab_size))[:, : max(1, most)]


def _reference(config: Config) -> tuple[Any, torch.Tensor | None]:
    """The reference's model and its logits; None for each that it refuses to make."""
    model = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            stated = library().CONFIG_MAPPING[config["model_type"]].from_dict(copy.deepcopy(config))
            stated._attn_implementation = stated._experts_implementation = "eager"
            model = library().AutoModelForCausalLM.from_config(stated).double().eval()
            generator = torch.Generator().manual_seed(0)
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
            with exact(model), torch.no_grad():
                out = model(_tokens(stated), use_cache=False, return_dict=True).logits
        except Exception:  # whatever it raises, it refuses
            return model, None
    return model, out if bool(torch.isfinite(out).all()) else None
