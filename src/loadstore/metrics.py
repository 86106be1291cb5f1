"""Metrics of a prediction, for ``ls.effect``, a sweep or a task."""

from loadstore.arguments import public as _public
from loadstore.causal.metrics import kl as _kl
from loadstore.causal.metrics import log_probability as _log_probability
from loadstore.causal.metrics import logit_difference as _logit_difference
from loadstore.causal.metrics import loss as _loss
from loadstore.causal.metrics import pattern_entry as _pattern_entry
from loadstore.causal.metrics import probability_difference as _probability_difference

__all__ = ["kl", "log_probability", "logit_difference", "loss", "pattern_entry", "probability_difference"]

kl = _public(_kl, "ls.metrics")
log_probability = _public(_log_probability, "ls.metrics")
logit_difference = _public(_logit_difference, "ls.metrics")
loss = _public(_loss, "ls.metrics")
pattern_entry = _public(_pattern_entry, "ls.metrics")
probability_difference = _public(_probability_difference, "ls.metrics")
