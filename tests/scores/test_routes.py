"""The cost model of the two routes against the clock."""

import time

import numpy as np
import pytest
import torch

from loadstore.linear.ends import End
from loadstore.linear.routes import Routes, routes
from loadstore.scores import engine
from loadstore.scores.engine import Ask, tiles

SHAPES = {  # heads, readers, their rank, d: many wires of wide heads, of narrow ones, and few wires
    "many wide": (64, 64, 64, 768),
    "many narrow": (64, 64, 4, 768),
    "a few": (2, 2, 64, 768),
    "one reader": (64, 1, 64, 512),
}


def ask(n: int, m: int, rank: int, d: int) -> Ask:
    generator = torch.Generator().manual_seed(0)
    ends = [End(torch.randn(rank, d, generator=generator, dtype=torch.float64), full=False) for _ in range(4)]
    wanted = np.ones((n, m), dtype=bool)
    return Ask(lambda i, _: ends[i % 4], lambda j, _: ends[j % 4], np.full(n, rank), np.full(m, rank), wanted, d)


def seconds(question: Ask, plans: dict[str, Routes], monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """The least of several runs of each plan, taken in turns."""
    times: dict[str, list[float]] = {name: [] for name in plans}
    for _ in range(5):
        for name, plan in plans.items():
            monkeypatch.setattr(engine, "routes", lambda *_, plan=plan: plan)
            began = time.perf_counter()
            list(tiles(question, torch.float32))
            times[name].append(time.perf_counter() - began)
    return {name: min(every) for name, every in times.items()}


@pytest.mark.alone
@pytest.mark.parametrize("shape", SHAPES)
def test_the_route_chosen_is_not_the_slower_one(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    question = ask(*SHAPES[shape])
    plan = routes(question.writer_ranks, question.reader_ranks, question.wanted, question.d)
    none, every = (np.full(len(ranks), False) for ranks in (question.writer_ranks, question.reader_ranks))
    cores = Routes(none, every, question.wanted & False, 0.0)
    grams = Routes(~none, ~every, question.wanted, 0.0)
    took = seconds(question, {"plan": plan, "cores": cores, "grams": grams}, monkeypatch)
    assert took["plan"] < 1.5 * min(took["cores"], took["grams"])
    assert plan.by_gram.all() == (shape == "many wide")
