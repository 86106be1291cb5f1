"""A load/store view of transformers: who stored what, who loaded it, through which address.

    >>> import loadstore as ls
    >>> model = ls.load("builtin")
    >>> scores = ls.subspace_scores(model)
    >>> trace = ls.run(model, "the cat sat on the mat. the dog sat on the log.")

Names are resolved on first use, so that importing costs nothing beyond what is used.
"""

import importlib as _importlib
import typing as _typing

from loadstore.threads import prepare as _prepare
from loadstore.version import VERSION as _VERSION

if _typing.TYPE_CHECKING:
    from loadstore.causal.ablation import ablation_effects as ablation_effects
    from loadstore.causal.effect import effect as effect
    from loadstore.causal.metrics import kl as kl
    from loadstore.causal.metrics import log_probability as log_probability
    from loadstore.causal.metrics import logit_difference as logit_difference
    from loadstore.causal.metrics import loss as loss
    from loadstore.causal.metrics import pattern_entry as pattern_entry
    from loadstore.causal.metrics import probability_difference as probability_difference
    from loadstore.causal.sweep import sweep as sweep
    from loadstore.checkpoints.library import load as load
    from loadstore.circuits.attribution import attribute as attribute
    from loadstore.circuits.circuit import Circuit as Circuit
    from loadstore.circuits.curve import curve as curve
    from loadstore.circuits.faithfulness import faithfulness as faithfulness
    from loadstore.circuits.named import task as task
    from loadstore.circuits.prove import prove as prove
    from loadstore.circuits.sized import circuit as circuit
    from loadstore.circuits.task import Task as Task
    from loadstore.decomposition.address import address as address
    from loadstore.decomposition.decomposition import score_parts as score_parts
    from loadstore.decomposition.listing import listing as listing
    from loadstore.decomposition.load_totals import load_totals as load_totals
    from loadstore.decomposition.logits import logit_parts as logit_parts
    from loadstore.decomposition.logits import residual_parts as residual_parts
    from loadstore.decomposition.outputs import output_parts as output_parts
    from loadstore.decomposition.store_loads import store_loads as store_loads
    from loadstore.decomposition.walk import walk as walk
    from loadstore.evidence.answers import induction_answers as induction_answers
    from loadstore.evidence.dossier import dossier as dossier
    from loadstore.evidence.found import induction_circuits as induction_circuits
    from loadstore.evidence.orders import term_importance as term_importance
    from loadstore.evidence.verify import verify as verify
    from loadstore.evidence.wires import wires as wires
    from loadstore.execution.edits import ablate as ablate
    from loadstore.execution.edits import cut as cut
    from loadstore.execution.edits import freeze as freeze
    from loadstore.execution.edits import patch as patch
    from loadstore.execution.run import run as run
    from loadstore.execution.trace import Trace as Trace
    from loadstore.figures.picture.pictured import picture as picture
    from loadstore.heads.roles import head_roles as head_roles
    from loadstore.memory.lifetime import lifetimes as lifetimes
    from loadstore.memory.memory_map import memory_map as memory_map
    from loadstore.memory.reach import reach as reach
    from loadstore.model.weights import Weights as Weights
    from loadstore.notebook.show import show as show
    from loadstore.permissions.audit import audit as audit
    from loadstore.permissions.enforce import enforce as enforce
    from loadstore.permissions.enforce import policy_edits as policy_edits
    from loadstore.permissions.leaks import leak_test as leak_test
    from loadstore.permissions.policy import Policy as Policy
    from loadstore.permissions.sources import subspace as subspace
    from loadstore.permissions.subspace import Subspace as Subspace
    from loadstore.scores.channels import channels as channels
    from loadstore.scores.decoding import channel_tokens as channel_tokens
    from loadstore.scores.moved import matched as matched
    from loadstore.scores.moved import moved as moved
    from loadstore.scores.paths import path as path
    from loadstore.scores.paths import positional_qk as positional_qk
    from loadstore.scores.scores import subspace_scores as subspace_scores
    from loadstore.scores.spectra import spectrum as spectrum
    from loadstore.scores.vocabulary import copying as copying
    from loadstore.scores.vocabulary import key_composition as key_composition
    from loadstore.sites import Head as Head
    from loadstore.wire_traffic.moments import moments as moments
    from loadstore.wire_traffic.stream import stream_moments as stream_moments
    from loadstore.wire_traffic.traffic import traffic as traffic

__version__ = _VERSION
_prepare()  # before anything loads torch

_HOMES = {
    "Circuit": "loadstore.circuits.circuit",
    "Head": "loadstore.sites",
    "Task": "loadstore.circuits.task",
    "Trace": "loadstore.execution.trace",
    "Weights": "loadstore.model.weights",
    "ablate": "loadstore.execution.edits",
    "ablation_effects": "loadstore.causal.ablation",
    "address": "loadstore.decomposition.address",
    "attribute": "loadstore.circuits.attribution",
    "channel_tokens": "loadstore.scores.decoding",
    "channels": "loadstore.scores.channels",
    "circuit": "loadstore.circuits.sized",
    "copying": "loadstore.scores.vocabulary",
    "curve": "loadstore.circuits.curve",
    "cut": "loadstore.execution.edits",
    "dossier": "loadstore.evidence.dossier",
    "effect": "loadstore.causal.effect",
    "faithfulness": "loadstore.circuits.faithfulness",
    "freeze": "loadstore.execution.edits",
    "head_roles": "loadstore.heads.roles",
    "induction_answers": "loadstore.evidence.answers",
    "induction_circuits": "loadstore.evidence.found",
    "key_composition": "loadstore.scores.vocabulary",
    "kl": "loadstore.causal.metrics",
    "lifetimes": "loadstore.memory.lifetime",
    "listing": "loadstore.decomposition.listing",
    "load": "loadstore.checkpoints.library",
    "load_totals": "loadstore.decomposition.load_totals",
    "log_probability": "loadstore.causal.metrics",
    "logit_difference": "loadstore.causal.metrics",
    "logit_parts": "loadstore.decomposition.logits",
    "loss": "loadstore.causal.metrics",
    "matched": "loadstore.scores.moved",
    "memory_map": "loadstore.memory.memory_map",
    "moments": "loadstore.wire_traffic.moments",
    "moved": "loadstore.scores.moved",
    "output_parts": "loadstore.decomposition.outputs",
    "patch": "loadstore.execution.edits",
    "path": "loadstore.scores.paths",
    "pattern_entry": "loadstore.causal.metrics",
    "picture": "loadstore.figures.picture.pictured",
    "positional_qk": "loadstore.scores.paths",
    "probability_difference": "loadstore.causal.metrics",
    "reach": "loadstore.memory.reach",
    "residual_parts": "loadstore.decomposition.logits",
    "run": "loadstore.execution.run",
    "score_parts": "loadstore.decomposition.decomposition",
    "show": "loadstore.notebook.show",
    "spectrum": "loadstore.scores.spectra",
    "store_loads": "loadstore.decomposition.store_loads",
    "stream_moments": "loadstore.wire_traffic.stream",
    "subspace_scores": "loadstore.scores.scores",
    "sweep": "loadstore.causal.sweep",
    "prove": "loadstore.circuits.prove",
    "task": "loadstore.circuits.named",
    "term_importance": "loadstore.evidence.orders",
    "traffic": "loadstore.wire_traffic.traffic",
    "verify": "loadstore.evidence.verify",
    "walk": "loadstore.decomposition.walk",
    "wires": "loadstore.evidence.wires",
    "Policy": "loadstore.permissions.policy",
    "Subspace": "loadstore.permissions.subspace",
    "audit": "loadstore.permissions.audit",
    "enforce": "loadstore.permissions.enforce",
    "leak_test": "loadstore.permissions.leaks",
    "policy_edits": "loadstore.permissions.enforce",
    "subspace": "loadstore.permissions.sources",
}
__all__ = [
    "Circuit",
    "Head",
    "Policy",
    "Subspace",
    "Task",
    "Trace",
    "Weights",
    "ablate",
    "ablation_effects",
    "address",
    "attribute",
    "audit",
    "channel_tokens",
    "channels",
    "circuit",
    "copying",
    "curve",
    "cut",
    "dossier",
    "effect",
    "enforce",
    "faithfulness",
    "freeze",
    "head_roles",
    "induction_answers",
    "induction_circuits",
    "key_composition",
    "kl",
    "leak_test",
    "lifetimes",
    "listing",
    "load",
    "load_totals",
    "log_probability",
    "logit_difference",
    "logit_parts",
    "loss",
    "matched",
    "memory_map",
    "moments",
    "moved",
    "output_parts",
    "patch",
    "path",
    "pattern_entry",
    "picture",
    "policy_edits",
    "positional_qk",
    "probability_difference",
    "prove",
    "reach",
    "residual_parts",
    "run",
    "score_parts",
    "show",
    "spectrum",
    "store_loads",
    "stream_moments",
    "subspace",
    "subspace_scores",
    "sweep",
    "task",
    "term_importance",
    "traffic",
    "verify",
    "walk",
    "wires",
]


def __getattr__(name: str) -> _typing.Any:
    """Import a public name when it is first used; functions check their arguments."""
    if name not in _HOMES:
        raise AttributeError(f"loadstore has no {name!r}; it has {', '.join(__all__)}")
    value = getattr(_importlib.import_module(_HOMES[name]), name)
    if not isinstance(value, type):
        from loadstore.arguments import checked

        value = checked(value, lambda: {"Trace": _importlib.import_module(_HOMES["Trace"]).Trace})
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, and those of the module itself."""
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
