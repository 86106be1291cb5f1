"""The effect of a cut from one recorded run is that of a run with the cut, for every sort of wire."""

import pytest
import torch
from each import each
from tiny import HALF, KINDS, Kind, few_with, some_tokens, tiny

import loadstore as ls
from loadstore.causal.cutting import cut_each
from loadstore.errors import Undefined
from loadstore.model.wiring import wiring

READERS = ["L0.H2.K", "L1.H0.Q", "L1.H1.V", "L1.mlp", "L2.H2.K", "L2.H0.V", "L2.mlp", "unembed"]


@each(("target", "kind"), [(target, kind) for kind, target in few_with([None, (4, 3)], of=HALF)], str)
def test_an_effect_is_that_of_a_run_with_the_cut(kind: Kind, target: tuple[int, int] | None):
    model = tiny(kind)
    tokens = some_tokens(model)
    trace = ls.run(model, tokens, record=True)
    network = wiring(model)
    readers = [network.reader(name) for name in READERS if kind.mlp or "mlp" not in name]
    wires = [(network.writers_of(r)[place], r) for r in readers for place in (0, -1)]
    for (writer, reader), effect in zip(wires, cut_each(trace, wires, target), strict=True):
        after = ls.run(model, tokens, [ls.cut(writer, reader)], record=True)
        was, now = trace.logits.log_softmax(-1), after.logits.log_softmax(-1)
        if target is None:
            expected = (now - was)[:, :-1].gather(2, tokens[:, 1:, None]).mean()
        else:
            expected = (now - was)[:, target[0], target[1]].mean()
        assert effect.target == pytest.approx(float(expected), rel=1e-8, abs=1e-11)
        if reader.is_unembed:
            change, kl = 0.5 * (was.exp() - now.exp()).abs().sum(-1).mean(), (was.exp() * (was - now)).sum(-1).mean()
        elif reader.side in ("Q", "K"):
            p, q = (run.pattern(reader.head) for run in (trace, after))
            sinks = (run.sink(reader.head)[..., None] for run in (trace, after))
            p, q = (torch.cat([row, sink], -1) for row, sink in zip((p, q), sinks, strict=True))
            change = 0.5 * (p - q).abs().sum(-1).mean()
            kl = torch.where(p > 0, p * (p / q).log(), 0.0).nansum(-1).mean()
        else:
            site = f"L{reader.layer}.mlp" if reader.is_mlp else str(reader.head)
            o, kl = trace.written(site)[:, 1:], torch.nan
            change = (o - after.written(site)[:, 1:]).norm() / o.norm()
        assert effect.change == pytest.approx(float(change), rel=1e-8, abs=1e-11)
        assert effect.kl == pytest.approx(float(kl), rel=1e-7, abs=1e-11, nan_ok=True)


def test_edited_runs_are_refused():
    model = tiny(KINDS[0])
    trace = ls.run(model, some_tokens(model), [ls.ablate("L0.H0")])
    with pytest.raises(Undefined, match="without edits"):
        cut_each(trace, [(wiring(model).writer("embed"), wiring(model).reader("L1.H0.Q"))])
