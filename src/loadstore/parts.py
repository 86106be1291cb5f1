"""Exact sums of one pass: scores, logits, residual streams and outputs, by writer."""

from loadstore.arguments import public as _public
from loadstore.decomposition.decomposition import score_parts as _score_parts
from loadstore.decomposition.load_totals import load_totals as _load_totals
from loadstore.decomposition.logits import logit_parts as _logit_parts
from loadstore.decomposition.logits import residual_parts as _residual_parts
from loadstore.decomposition.outputs import output_parts as _output_parts
from loadstore.decomposition.router import router_address as _router_address
from loadstore.decomposition.store_loads import store_loads as _store_loads
from loadstore.decomposition.walk import walk as _walk

__all__ = [
    "load_totals",
    "logit_parts",
    "output_parts",
    "residual_parts",
    "router_address",
    "score_parts",
    "store_loads",
    "walk",
]

load_totals = _public(_load_totals, "ls.parts")
logit_parts = _public(_logit_parts, "ls.parts")
output_parts = _public(_output_parts, "ls.parts")
residual_parts = _public(_residual_parts, "ls.parts")
router_address = _public(_router_address, "ls.parts")
score_parts = _public(_score_parts, "ls.parts")
store_loads = _public(_store_loads, "ls.parts")
walk = _public(_walk, "ls.parts")
