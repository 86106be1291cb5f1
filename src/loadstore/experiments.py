"""Experiments with many passes: one call plans the runs, executes them and compares the results."""

from loadstore.arguments import public as _public
from loadstore.causal.ablation import ablation_effects as _ablation_effects
from loadstore.causal.sweep import sweep as _sweep
from loadstore.evidence.answers import induction_answers as _induction_answers
from loadstore.evidence.dossier import dossier as _dossier
from loadstore.evidence.found import induction_circuits as _induction_circuits
from loadstore.evidence.orders import term_importance as _term_importance
from loadstore.training.emergence import emergence as _emergence

__all__ = [
    "ablation_effects",
    "dossier",
    "emergence",
    "induction_answers",
    "induction_circuits",
    "sweep",
    "term_importance",
]

ablation_effects = _public(_ablation_effects, "ls.experiments")
dossier = _public(_dossier, "ls.experiments")
emergence = _public(_emergence, "ls.experiments")
induction_answers = _public(_induction_answers, "ls.experiments")
induction_circuits = _public(_induction_circuits, "ls.experiments")
sweep = _public(_sweep, "ls.experiments")
term_importance = _public(_term_importance, "ls.experiments")
