"""Small products run on one thread, large ones on all; waiting threads sleep; a container's quota is kept."""

import os
import subprocess
import sys

import pytest
import torch
from each import each
from tiny import KINDS, tiny

import loadstore as ls
from loadstore import threads
from loadstore.linear.bands import add_gram
from loadstore.threads import LARGE, at_once, available, threads_for


@pytest.fixture(autouse=True)
def two():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("multiplications", "count"), [(0, 1), (LARGE - 1, 1), (LARGE, 2), (LARGE + 1, 2)])
def test_a_block_runs_on_one_thread_below_the_threshold_and_on_all_from_it_on(multiplications, count):
    with threads_for(multiplications):
        assert torch.get_num_threads() == count
    assert torch.get_num_threads() == 2


def test_a_large_product_inside_a_small_block_gets_the_threads_outside_of_both():
    with threads_for(0):
        with threads_for(LARGE):
            assert torch.get_num_threads() == 2
            with threads_for(0):
                assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_one_thread_asked_for_by_the_user_stays_one():
    torch.set_num_threads(1)
    with threads_for(0), threads_for(LARGE):
        assert torch.get_num_threads() == 1


def test_an_error_inside_a_block_gives_the_threads_back():
    with pytest.raises(ValueError, match="inside"), threads_for(0):
        raise ValueError("inside")
    assert torch.get_num_threads() == 2


def test_independent_items_go_to_as_many_threads_as_are_outside_and_each_computes_on_one():
    import threading

    both = threading.Barrier(2, timeout=30)  # passes only if two items run at the same time

    def work(item: int) -> tuple[int, int, bool]:
        both.wait()
        return item, torch.get_num_threads(), torch.is_grad_enabled()

    with threads_for(0):
        assert at_once(work, [3, 1, 2, 5]) == [(item, 1, False) for item in (3, 1, 2, 5)]
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    seen: list[int] = []
    at_once(lambda _: seen.append(threading.get_ident()), [1, 2])
    assert seen == [threading.get_ident()] * 2


def test_an_error_of_an_item_is_raised():
    with pytest.raises(ZeroDivisionError):
        at_once(lambda item: 1 // item, [1, 0, 2])


def _seen(monkeypatch, module, name) -> list[int]:
    """Thread counts at every call of a function."""
    counts: list[int] = []
    inner = getattr(module, name)

    def watched(*args, **kwargs):
        counts.append(torch.get_num_threads())
        return inner(*args, **kwargs)

    monkeypatch.setattr(module, name, watched)
    return counts


def test_a_short_pass_and_all_scores_run_on_one_thread(monkeypatch):
    import loadstore.execution.forward as forward

    counts = _seen(monkeypatch, forward, "through_layer")
    weights = tiny(KINDS[0])
    ls.run(weights, [1, 2, 3])
    assert counts == [1, 1, 1]
    import loadstore.scores.groups as groups

    counts = _seen(monkeypatch, groups, "tiles")
    ls.subspace_scores(weights)
    assert counts
    assert set(counts) == {1}
    assert torch.get_num_threads() == 2


def test_a_large_gram_inside_the_scores_runs_on_all_threads(monkeypatch):
    import loadstore.linear.bands as bands

    counts = _seen(monkeypatch, bands, "bands")
    with threads_for(0):
        add_gram(torch.zeros(768, 768, dtype=torch.float64), torch.ones(2048, 768))
        add_gram(torch.zeros(8, 8, dtype=torch.float64), torch.ones(8, 8))
    assert counts == [2, 1]


def _environment(code: str, **settings: str) -> str:
    kept = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=kept | settings, capture_output=True, text=True, check=True)
    return done.stdout.strip()


POLICY = "import os, loadstore; print(os.environ.get('OMP_WAIT_POLICY'))"


def test_waiting_threads_sleep_unless_the_user_decided_otherwise():
    assert _environment(POLICY) == "PASSIVE"
    assert _environment(POLICY, OMP_WAIT_POLICY="ACTIVE") == "ACTIVE"
    assert _environment(POLICY, GOMP_SPINCOUNT="100") == "None"


def test_nothing_is_set_that_would_come_too_late():
    assert _environment("import sys; sys.modules['torch'] = sys; " + POLICY) == "None"


@each(
    ("files", "count"),
    [
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "9900000 100000"}, 8),
        ({"cpu.max": "0 0"}, 8),
        ({"cpu.max": "nonsense"}, 8),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3),
        ({}, 8),
    ],
)
def test_the_quota_of_a_container_limits_the_processors(tmp_path, monkeypatch, files, count):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(threads, "GROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert available() == count
