"""How often a wire that is like all others is beyond its controls: as often as the rule says, once in n + 1."""

import pytest
from tiny import Kind, Sizes, some_tokens, tiny

import loadstore as ls
from loadstore.causal.beyond import beyond, p_value
from loadstore.causal.controls import controls_of, sizes_on
from loadstore.causal.cutting import Wire
from loadstore.model.wiring import wiring

CONTROLS = 4


@pytest.mark.parametrize(
    "kind",
    [
        Kind("learned", "layer", biases=False, sizes=Sizes(d_model=24, n_heads=6)),
        Kind("rotary", "rms", biases=False, mlp="gated", kv=2, sizes=Sizes(d_model=24)),
    ],
    ids=str,
)
def test_wires_of_random_models_are_beyond_their_controls_as_often_as_by_chance(kind: Kind) -> None:
    read, rises, falls, ranks = ([] for _ in range(4))
    for seed in range(4):
        model = tiny(kind, seed)
        trace = ls.run(model, some_tokens(model, batch=1), record=True)
        network, sizes = wiring(model), sizes_on(trace)
        wires: list[Wire] = [
            (w, r) for r in network.readers if r.side in ("Q", "K", "V") for w in network.writers_of(r)
        ]
        swept = ls.experiments.sweep(trace, wires, metric=ls.metrics.log_probability(3)).change.values.tolist()
        effects = dict(zip(wires, swept, strict=True))
        for wire, effect in effects.items():
            controls = [effects[other] for other in controls_of(wire, CONTROLS, sizes, network.readers).wires]
            assert len(controls) == CONTROLS
            read.append(beyond(abs(effect), controls))  # the way is read off the effect itself
            rises.append(beyond(effect, controls))  # the way is claimed beforehand
            falls.append(beyond(-effect, controls))
            ranks.append(p_value(abs(effect), controls))
    chance = 1 / (CONTROLS + 1)
    assert len(read) > 800
    assert sum(read) / len(read) == pytest.approx(chance, abs=0.03)
    assert sum(rises) / len(rises) == pytest.approx(chance / 2, abs=0.03)
    assert sum(falls) / len(falls) == pytest.approx(chance / 2, abs=0.03)
    for p in (0.2, 0.4, 0.6, 0.8):
        assert sum(rank <= p + 1e-9 for rank in ranks) / len(ranks) == pytest.approx(p, abs=0.05)
