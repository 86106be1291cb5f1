"""An audit names the planted breach and no other; taint follows a relay; random models give no findings."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from each import each
from permissions.machines import BLOCKS, corpus, machine
from planted import rotation
from tiny import FEW, tiny

from loadstore.errors import BadRequest
from loadstore.execution.run import run
from loadstore.figures.permitted import audit_figure
from loadstore.model.gauge import rotate_stream
from loadstore.model.layers import Norm
from loadstore.model.wiring import wiring
from loadstore.permissions.audit import audit
from loadstore.permissions.enforce import enforce
from loadstore.permissions.policy import Policy
from loadstore.permissions.sources import subspace
from loadstore.permissions.subspace import Subspace
from loadstore.scores.scores import subspace_scores
from loadstore.wire_traffic.traffic import traffic

KERNEL = {"store": {"kernel": ["L0.H0"]}}


def found(table, name: str) -> list[str]:
    row = table.sel(subspace="kernel")
    return row[row[name].dims[0]].values[row[name].values].tolist()


def test_the_audit_names_the_reader_that_takes_the_secret_and_enforcement_stops_it_and_nothing_else() -> None:
    model = machine()
    policy = Policy({"kernel": subspace(model, "L0.H0")}, load={"kernel": []}, **KERNEL)
    table = audit(model, policy, corpus())
    assert found(table, "breach") == ["L1.H0.V"]
    assert found(table, "tainted") == ["L1.H0.V", "unembed"]
    assert found(table, "store_breach") == []
    user = table.sel(subspace="kernel", reader="L1.H0.V")
    assert float(user.own) == pytest.approx(1)
    assert float(user.direct) == pytest.approx(2, abs=0.5)
    enforced = enforce(model, policy)
    clean = audit(enforced, policy, corpus())
    assert found(clean, "breach") == found(clean, "tainted") == []
    assert float(clean.own.fillna(0).max()) < 1e-12
    assert float(clean.taint.fillna(0).max()) < 1e-12
    before, after = run(model, corpus()), run(enforced, corpus())
    for writer in wiring(model).writers:
        if str(writer) != "L1.H0":
            torch.testing.assert_close(after.store(writer), before.store(writer), rtol=0, atol=1e-6)
    assert float(after.store("L1.H0").abs().max()) < 1e-12
    scores, carried = subspace_scores(enforced), traffic(enforced, corpus())
    assert float(carried.traffic.sel(writer="L0.H0").fillna(0).max()) < 1e-12
    assert not float(scores.score.sel(writer="L0.H0").fillna(0).max()) > 1e-12
    granted = Policy(policy.protect, load={"kernel": ["L1.H0.V"]}, **KERNEL)
    allowed = audit(model, granted, corpus())
    assert (found(allowed, "breach"), found(allowed, "tainted")) == ([], ["unembed"])


def test_a_relay_leaves_the_direct_audit_clean_and_taint_finds_it_unless_it_declassifies() -> None:
    model = machine(relay=True)
    policy = Policy({"kernel": subspace(model, "L0.H0")}, load={"kernel": ["L1.H0.V"]}, **KERNEL)
    table = audit(enforce(model, policy), policy, corpus())
    assert found(table, "breach") == []
    assert found(table, "tainted") == ["L2.H0.V", "unembed"]
    later = table.sel(subspace="kernel", reader="L2.H0.V")
    assert float(later.direct) < 1e-12
    assert float(later.taint) > 1
    clean = audit(model, replace(policy, declassify={"kernel": ["L1.H0.V"]}), corpus())
    assert found(clean, "tainted") == []
    assert float(clean.taint.sel(subspace="kernel", reader="L2.H0.V")) == pytest.approx(0, abs=1e-12)


def test_a_rotation_of_the_stream_changes_no_number_of_an_audit() -> None:
    model, R = machine(relay=True), rotation(machine().architecture.d_model)
    space = subspace(model, "L0.H0")
    tables = [
        audit(some, Policy({"kernel": Subspace(rows, "rows")}, load={"kernel": []}, **KERNEL), corpus(), draws=2)
        for some, rows in ((model, space.rows), (rotate_stream(model, R), space.rows @ R))
    ]
    for name in ("traffic", "own", "direct", "taint", "stored", "breach"):
        np.testing.assert_allclose(tables[1][name], tables[0][name], rtol=1e-7, atol=1e-9)


def test_a_store_of_a_stranger_is_found() -> None:
    model = machine()
    stray = model.layers[1].W_O.clone()
    stray[1] = 0
    stray[1, :, BLOCKS["K"]] = torch.eye(6, dtype=torch.float64)
    model = replace(model, layers=(model.layers[0], replace(model.layers[1], W_O=stray)))
    policy = Policy({"kernel": subspace(model, "L0.H0")}, **KERNEL)
    assert found(audit(model, policy, corpus(), draws=2), "store_breach") == ["L1.H1"]
    enforced = audit(enforce(model, policy), policy, corpus(), draws=2)
    assert found(enforced, "store_breach") == []
    assert float(enforced.stored.sel(subspace="kernel", writer="L1.H1")) < 1e-24


def findings(seeds: range) -> list[tuple[int, str]]:
    """Random models with a random subspace that nobody may load, and what an audit says of each."""
    found = []
    for seed in seeds:
        model = tiny(FEW[seed % len(FEW)], seed)
        rows = torch.randn(3, 12, generator=torch.Generator().manual_seed(seed + 500), dtype=torch.float64)
        ids = torch.randint(17, (10, 10), generator=torch.Generator().manual_seed(seed))
        table = audit(model, Policy({"kernel": subspace(model, rows)}, load={"kernel": []}), ids, seed=seed)
        found += [(seed, name) for name in ("breach", "tainted") if bool(table[name].any())]
    return found


def test_random_models_give_few_findings() -> None:
    assert len(findings(range(3))) <= 1


@pytest.mark.nightly
def test_a_hundred_random_models_give_few_findings() -> None:
    assert len(findings(range(100))) <= 6  # of 200


@each("kind", FEW[1:5])
def test_the_scale_of_a_norm_is_a_covert_channel_of_one_number(kind) -> None:
    model = tiny(kind)
    ids = torch.randint(17, (4, 10), generator=torch.Generator().manual_seed(0))
    policy = Policy({"kernel": subspace(model, "L0.H0")}, load={"kernel": []})
    scale = audit(enforce(model, policy), policy, ids, draws=2).scale.sel(subspace="kernel")
    assert bool((scale.fillna(0) > 0.01).any()) == isinstance(model.final_norm, Norm)


@each(
    "options, message",
    [
        ({"policy": Policy()}, "the policy protects nothing"),
        ({"threshold": 2.0}, "threshold=2.0, draws=19: expected a share"),
        ({"draws": 1}, "threshold=0.01, draws=1: expected .* 2 to 1000 draws"),
    ],
)
def test_what_cannot_be_audited_is_refused(options, message: str) -> None:
    given = {"policy": Policy({"kernel": subspace(machine(), "L0.H0")})} | options
    with pytest.raises(BadRequest, match=message):
        audit(machine(), corpus=corpus(), **given)


def test_the_matrix_marks_rights_and_breaches() -> None:
    model = machine()
    policy = Policy({"kernel": subspace(model, "L0.H0")}, load={"kernel": ["L1.H1.V"]}, store={"kernel": ["L0.H0"]})
    drawn = audit_figure(audit(model, policy, corpus(), draws=19))
    (heat,) = drawn.views
    (cells,) = heat.panels
    subjects, accesses = heat.columns.labels, heat.rows.labels
    marks = {name: "".join(row[place] or "." for row in cells.marks) for place, name in enumerate(subjects)}
    assert accesses == ("Q", "K", "V", "load", "store")
    assert marks == {"embed": "....–", "L0.H0": "–––.w", "L0.H1": "–––.–", "L1.H0": "––!.–", "L1.H1": "––r.–"} | {
        "unembed": "...~."
    }
    assert cells.values[2][subjects.index("L1.H0")] == pytest.approx(1)
    assert cells.values[3][subjects.index("L1.H0")] is None
    assert drawn.claim == "Direct breaches: 1. Readers that may not load and are tainted: 2."
