"""Numbers that do not move: every public result of commit 48750cf on ten models, in float64.

Where a test fails, a change moved a number that nobody meant to move. Where it was meant, ``tests/golden/make.py``
writes the numbers anew, and its commit names the ids and the reason.

The group ``controls`` (``controls.json``) has the numbers that depend on which wires a cut is compared with: they are
those of ``loadstore.causal.controls``, which replaced four rules. Every other number is that of the commit.
"""

import os
from collections.abc import Callable

import pytest
from golden.groups import PAIRS

LARGE = {("smollm2", "weights"), ("smollm2", "pass")}
"""Groups that take two minutes and 9 GB: only with ``LOADSTORE_GOLDEN=all``."""
BY_NIGHT = {"smollm2": pytest.mark.nightly}
ASKED = [pair for pair in PAIRS if pair not in LARGE or os.environ.get("LOADSTORE_GOLDEN") == "all"]


@pytest.mark.parametrize(
    "pair", [pytest.param(f"{model}/{group}", marks=BY_NIGHT.get(model, ())) for model, group in ASKED]
)
def test_no_number_moves(pair: str, told: Callable[[str], list[str]]) -> None:
    lines = told(pair)
    assert not lines, f"{len(lines)} lines:\n" + "\n".join(lines[:30])
