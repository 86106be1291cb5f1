"""Probes find a planted secret before enforcement and not after; a relay and a bend leak; controls are at chance."""

import pytest
import torch
from each import each
from permissions.machines import VOCAB, machine

from loadstore.errors import BadRequest
from loadstore.permissions.leaks import leak_test
from loadstore.permissions.policy import Policy
from loadstore.permissions.probes import accuracies, interval
from loadstore.permissions.sources import subspace

PROMPTS = torch.randint(VOCAB, (120, 3), generator=torch.Generator().manual_seed(1)).tolist()
LABELS = [int((ids[0] + ids[1] + ids[2]) % 2) for ids in PROMPTS]
SUMS = [int(sum(one >= VOCAB // 2 for one in ids) >= 2) for ids in PROMPTS]


def test_the_secret_leaks_through_the_user_before_and_not_after_and_through_a_relay_also_after() -> None:
    for relay, reader in ((False, "L1.H0.V"), (True, "L2.H0.V")):
        model = machine(relay=relay)
        policy = Policy({"kernel": subspace(model, "L0.H0")}, load={"kernel": ["L1.H0.V"] if relay else []})
        table = leak_test(model, policy, SUMS, PROMPTS, readers=reader, controls=10)
        before, after = (table.sel(when=when, reader=reader, probe="linear") for when in ("before", "after"))
        assert bool(before.leaks)
        assert float(before.accuracy) > 0.65
        assert bool(after.leaks) == relay
        assert abs(float(after.control) - 0.5) < 0.1
        assert float(before.selectivity) == pytest.approx(float(before.accuracy - before.control))
    assert "does not prevent non-linear leakage" in table.attrs["definition"]


def test_a_bent_probe_reads_what_no_linear_one_can() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 2, generator=generator, dtype=torch.float64)
    labels = (x[:, 0].sign() * x[:, 1].sign() > 0).long()[None]
    assert float(accuracies(x, labels, "linear", 5, 0)) < 0.6
    assert float(accuracies(x, labels, "bent", 5, 0)) > 0.85


def test_the_interval_is_wilsons() -> None:
    assert interval(0.5, 100) == (pytest.approx(0.4038, abs=1e-3), pytest.approx(0.5962, abs=1e-3))
    assert interval(1.0, 10) == (pytest.approx(0.7225, abs=1e-3), 1.0)


@each(
    "options, message",
    [
        ({"labels": [1] * 120}, "all labels are 1; give at least two classes"),
        ({"labels": [0, 1]}, "there are 120 prompts and 2 labels"),
        ({"labels": LABELS[:9], "prompts": PROMPTS[:9]}, "9 prompts, 5 folds and 20 controls: expected at least 10"),
        ({"policy": Policy()}, "the policy denies no reader anything"),
        ({"at": 3}, "at=3: a prompt has 3 tokens"),
    ],
)
def test_what_cannot_be_tested_is_refused(options, message: str) -> None:
    model = machine()
    policy = Policy({"kernel": subspace(model, "L0.H0")}, load={"kernel": ["!L1.H0.V"]})
    with pytest.raises(BadRequest, match=message):
        leak_test(**{"weights": model, "policy": policy, "labels": LABELS, "prompts": PROMPTS} | options)
