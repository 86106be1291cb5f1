"""Numbers that do not move: every public result of commit 48750cf on ten models, in float64.

Where a test fails, a change moved a number that nobody meant to move. Where it was meant, ``tests/golden/make.py``
writes the numbers anew, and its commit names the ids and the reason.

The group ``controls`` (``controls.json``) has the numbers that depend on which wires a cut is compared with: they are
those of ``loadstore.causal.controls``, which replaced four rules. Every other number is that of the commit.
"""

import os

import pytest
from golden.files import PAIRS, computed, read
from golden.summary import RELATIVE, SINGLE, differences

LARGE = {("smollm2", "weights"), ("smollm2", "pass")}
"""Groups that take two minutes and 9 GB: only with ``LOADSTORE_GOLDEN=all``."""
ASKED = [pair for pair in PAIRS if pair not in LARGE or os.environ.get("LOADSTORE_GOLDEN") == "all"]


@pytest.mark.parametrize(("model", "group"), ASKED, ids=lambda value: value)
def test_no_number_moves(model: str, group: str) -> None:
    golden, found = read(model, group), computed(model, group)
    told = [f"{model}/{key}: is new; write the numbers anew" for key in sorted(found.keys() - golden.keys())]
    told += [f"{model}/{key}: is gone" for key in sorted(golden.keys() - found.keys())]
    for key in sorted(found.keys() & golden.keys()):
        single = "single/" in key
        told += [
            f"{model}/{key}: {line}" for line in differences(found[key], golden[key], SINGLE if single else RELATIVE)
        ]
    assert not told, f"{len(told)} differences:\n" + "\n".join(told[:20])
