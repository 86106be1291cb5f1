"""A load/store view of transformers: who stored what, who loaded it, through which address.

    >>> import loadstore as ls
    >>> model = ls.load("builtin")
    >>> scores = ls.subspace_scores(model)
    >>> trace = ls.run(model, "the cat sat on the mat. the dog sat on the log.")

Names are resolved on first use, so that importing costs nothing beyond what is used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from loadstore.threads import prepare

if TYPE_CHECKING:
    from loadstore.circuits.channels import channels as channels
    from loadstore.circuits.decoding import channel_tokens as channel_tokens
    from loadstore.circuits.moved import matched as matched
    from loadstore.circuits.moved import moved as moved
    from loadstore.circuits.paths import path as path
    from loadstore.circuits.paths import positional_qk as positional_qk
    from loadstore.circuits.scores import subspace_scores as subspace_scores
    from loadstore.circuits.spectra import spectrum as spectrum
    from loadstore.circuits.vocabulary import copying as copying
    from loadstore.circuits.vocabulary import key_composition as key_composition
    from loadstore.evidence.ablation import ablation_effects as ablation_effects
    from loadstore.evidence.dossier import dossier as dossier
    from loadstore.evidence.found import induction_circuits as induction_circuits
    from loadstore.evidence.moments import moments as moments
    from loadstore.evidence.orders import term_importance as term_importance
    from loadstore.evidence.stream import stream_moments as stream_moments
    from loadstore.evidence.traffic import traffic as traffic
    from loadstore.evidence.verify import verify as verify
    from loadstore.evidence.wires import wires as wires
    from loadstore.heads.roles import head_roles as head_roles
    from loadstore.interventions.effect import effect as effect
    from loadstore.interventions.metrics import kl as kl
    from loadstore.interventions.metrics import log_probability as log_probability
    from loadstore.interventions.metrics import logit_difference as logit_difference
    from loadstore.interventions.metrics import loss as loss
    from loadstore.interventions.metrics import pattern_entry as pattern_entry
    from loadstore.interventions.sweep import sweep as sweep
    from loadstore.models.edits import ablate as ablate
    from loadstore.models.edits import cut as cut
    from loadstore.models.edits import freeze as freeze
    from loadstore.models.edits import patch as patch
    from loadstore.models.library import load as load
    from loadstore.models.trace import Trace as Trace
    from loadstore.models.trace import run as run
    from loadstore.models.weights import Weights as Weights
    from loadstore.notebook.show import show as show
    from loadstore.prompts.address import address as address
    from loadstore.prompts.decomposition import score_parts as score_parts
    from loadstore.prompts.listing import listing as listing
    from loadstore.prompts.logits import logit_parts as logit_parts
    from loadstore.prompts.logits import residual_parts as residual_parts
    from loadstore.prompts.outputs import output_parts as output_parts
    from loadstore.prompts.walk import walk as walk
    from loadstore.sites import Head as Head

__version__ = "0.1.0"
prepare()  # before anything loads torch

_HOMES = {
    "Head": "loadstore.sites",
    "Trace": "loadstore.models.trace",
    "Weights": "loadstore.models.weights",
    "ablate": "loadstore.models.edits",
    "ablation_effects": "loadstore.evidence.ablation",
    "address": "loadstore.prompts.address",
    "channel_tokens": "loadstore.circuits.decoding",
    "channels": "loadstore.circuits.channels",
    "copying": "loadstore.circuits.vocabulary",
    "cut": "loadstore.models.edits",
    "dossier": "loadstore.evidence.dossier",
    "effect": "loadstore.interventions.effect",
    "freeze": "loadstore.models.edits",
    "head_roles": "loadstore.heads.roles",
    "induction_circuits": "loadstore.evidence.found",
    "key_composition": "loadstore.circuits.vocabulary",
    "kl": "loadstore.interventions.metrics",
    "listing": "loadstore.prompts.listing",
    "load": "loadstore.models.library",
    "log_probability": "loadstore.interventions.metrics",
    "logit_difference": "loadstore.interventions.metrics",
    "logit_parts": "loadstore.prompts.logits",
    "loss": "loadstore.interventions.metrics",
    "matched": "loadstore.circuits.moved",
    "moments": "loadstore.evidence.moments",
    "moved": "loadstore.circuits.moved",
    "output_parts": "loadstore.prompts.outputs",
    "patch": "loadstore.models.edits",
    "path": "loadstore.circuits.paths",
    "pattern_entry": "loadstore.interventions.metrics",
    "positional_qk": "loadstore.circuits.paths",
    "residual_parts": "loadstore.prompts.logits",
    "run": "loadstore.models.trace",
    "score_parts": "loadstore.prompts.decomposition",
    "show": "loadstore.notebook.show",
    "spectrum": "loadstore.circuits.spectra",
    "stream_moments": "loadstore.evidence.stream",
    "subspace_scores": "loadstore.circuits.scores",
    "sweep": "loadstore.interventions.sweep",
    "term_importance": "loadstore.evidence.orders",
    "traffic": "loadstore.evidence.traffic",
    "verify": "loadstore.evidence.verify",
    "walk": "loadstore.prompts.walk",
    "wires": "loadstore.evidence.wires",
}
__all__ = [
    "Head",
    "Trace",
    "Weights",
    "ablate",
    "ablation_effects",
    "address",
    "channel_tokens",
    "channels",
    "copying",
    "cut",
    "dossier",
    "effect",
    "freeze",
    "head_roles",
    "induction_circuits",
    "key_composition",
    "kl",
    "listing",
    "load",
    "log_probability",
    "logit_difference",
    "logit_parts",
    "loss",
    "matched",
    "moments",
    "moved",
    "output_parts",
    "patch",
    "path",
    "pattern_entry",
    "positional_qk",
    "residual_parts",
    "run",
    "score_parts",
    "show",
    "spectrum",
    "stream_moments",
    "subspace_scores",
    "sweep",
    "term_importance",
    "traffic",
    "verify",
    "walk",
    "wires",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used; functions check their arguments."""
    if name not in _HOMES:
        raise AttributeError(f"loadstore has no {name!r}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    if not isinstance(value, type):
        from loadstore.arguments import checked

        value = checked(value, lambda: {"Trace": importlib.import_module(_HOMES["Trace"]).Trace})
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
