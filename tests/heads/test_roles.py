"""What each role looks like in a pattern, on sequences short enough to mark by hand."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import numpy as np
import planted
import pytest
import torch
from each import each
from tiny import KINDS, Kind, some_tokens, tiny

from loadstore.errors import BadRequest
from loadstore.execution.run import run
from loadstore.heads import roles
from loadstore.heads.patterns import ROLES, mass_on, role_masks
from loadstore.heads.roles import bos_of, head_roles, random_repeats, random_tokens, second_copy_loss

A, B, C, X = 5, 6, 7, 0

HAND = {  # tokens, bos → role → (query, key)
    "abcabc": (
        [A, B, C, A, B, C],
        None,
        {"duplicate": {(3, 0), (4, 1), (5, 2)}, "induction": {(3, 1), (4, 2), (5, 3)}},
    ),
    "all distinct": ([A, B, C], None, {"duplicate": set(), "induction": set()}),
    "twice before": (
        [A, B, A, C, A],
        None,
        {"duplicate": {(2, 0), (4, 0), (4, 2)}, "induction": {(2, 1), (4, 1), (4, 3)}},
    ),
    "a doubled token": ([A, A, B], None, {"duplicate": {(1, 0)}, "induction": {(1, 1)}}),
    "bos matches nothing": ([X, A, X, A], X, {"duplicate": {(3, 1)}, "induction": {(3, 2)}}),
    "and without it does": ([X, A, X, A], None, {"duplicate": {(2, 0), (3, 1)}, "induction": {(2, 1), (3, 2)}}),
}


@pytest.mark.parametrize("case", HAND)
def test_masks_mark_the_keys_that_a_reader_would_mark(case: str) -> None:
    tokens, bos, expected = HAND[case]
    n = len(tokens)
    always = {
        "previous": {(i, i - 1) for i in range(1, n)},
        "current": {(i, i) for i in range(n)},
        "first": {(i, 0) for i in range(1, n)},
    }
    masks = role_masks(torch.tensor([tokens]), bos)
    assert tuple(masks) == ROLES
    for role, cells in (always | expected).items():
        assert {(int(i), int(j)) for i, j in masks[role][0].nonzero()} == cells, role


def test_no_role_marks_a_key_that_the_query_cannot_see() -> None:
    tokens = torch.randint(4, (20, 15), generator=torch.Generator().manual_seed(0))
    for role, mask in role_masks(tokens).items():
        assert not mask.triu(1).any(), role


def test_an_ideal_induction_pattern_scores_exactly_one() -> None:
    # ARENA's stripe has 52 entries on two copies of 50, two of them before any repeat: it would score 50/52.
    period = 50
    once = torch.randperm(100, generator=torch.Generator().manual_seed(0))[:period] + 1
    tokens = torch.cat([torch.zeros(1, dtype=torch.long), once, once])[None]
    length = tokens.shape[1]
    pattern = torch.eye(length, dtype=torch.float64)[None, None].clone()  # rests on its own token
    for i in range(period + 1, length):
        pattern[0, 0, i] = torch.eye(length)[i - period + 1]
    score, queries = mass_on(pattern, role_masks(tokens, 0)["induction"])
    assert score.item() == 1
    assert queries.item() == period
    assert float(pattern[0, 0].diagonal(1 - period).mean()) == pytest.approx(50 / 52)


@each("role", ROLES)
def test_an_ideal_head_of_each_role_scores_one_and_an_even_one_its_share(role: str) -> None:
    tokens = torch.tensor([[A, B, C, A, B, C], [A, A, B, B, C, C]])
    mask = role_masks(tokens)[role]
    pattern = mask.double() / mask.sum(-1, keepdim=True).clamp(min=1)
    pattern[~mask.any(-1)] = 1 / 6
    even = torch.ones(6, 6, dtype=torch.float64).tril()
    even = (even / even.sum(-1, keepdim=True)).expand(2, 6, 6)
    scores, queries = mass_on(torch.stack([pattern, even], 1), mask)
    for sequence in range(2):
        cells = [even[sequence, i, j] for i, j in mask[sequence].nonzero()]
        assert scores[sequence, 0].item() == pytest.approx(1)
        assert scores[sequence, 1].item() == pytest.approx(float(sum(cells)) / int(queries[sequence]))


def test_means_and_standard_errors_are_those_over_sequences() -> None:
    model = tiny(KINDS[0])
    tokens = some_tokens(model, batch=19)  # more than two batches, the last one short
    tokens[0] = torch.arange(9)  # no repeat: counts for previous, not for induction
    roles = head_roles(model, tokens)
    trace = run(model, tokens)
    for role in ROLES:
        mask = role_masks(tokens)[role].numpy()
        for head in roles["head"].values:
            pattern = trace.pattern(str(head)).numpy()
            have = mask.any(2).sum(1) > 0
            per = [(pattern[s] * mask[s]).sum() / mask[s].any(1).sum() for s in np.flatnonzero(have)]
            found = roles.sel(head=head)
            assert float(found[role]) == pytest.approx(np.mean(per), rel=1e-6), role
            assert float(found[f"{role}_se"]) == pytest.approx(np.std(per, ddof=1) / len(per) ** 0.5, rel=1e-6), role
    assert (~role_masks(tokens)["induction"][0]).all()


def test_a_key_beyond_the_window_is_no_key_of_a_role() -> None:
    tokens = torch.tensor([[A, B, C, A, B, C]])
    wide, near = role_masks(tokens), role_masks(tokens, window=3)
    seen = torch.ones(6, 6, dtype=torch.bool).tril().triu(-2)
    for role in ROLES:
        assert (near[role] == wide[role] & seen).all()
    assert near["induction"].sum() == 3  # each two tokens back
    assert wide["duplicate"].any()
    assert not near["duplicate"].any()  # each three tokens back
    assert not role_masks(tokens, window=1)["previous"].any()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.window], ids=str)
def test_roles_of_a_windowed_layer_count_what_it_can_see(kind: Kind) -> None:
    model = tiny(kind)
    tokens = torch.tensor([[1, 2, 3, 4, 1, 2, 3, 4, 5]])  # four back, where a window of three does not reach
    roles = head_roles(model, tokens).duplicate
    for layer in range(model.architecture.n_layers):
        window = model.architecture.window(layer)
        values = roles.sel(head=f"L{layer}.H0")
        assert bool(np.isnan(values)) == (window is not None and window < 5)


def test_a_role_that_no_query_can_have_is_nan_and_one_sequence_has_no_error() -> None:
    roles = head_roles(tiny(KINDS[0]), torch.arange(9)[None])
    assert np.isnan(roles.induction).all()
    assert np.isnan(roles.previous_se).all()
    assert not np.isnan(roles.previous).any()


def test_random_repeats_are_bos_and_one_block_of_distinct_tokens_twice() -> None:
    model = planted.planted()
    tokens = random_repeats(model, 6, 7, seed=3)
    assert tokens.shape == (6, 15)
    assert bool((tokens[:, 0] == bos_of(model)).all())
    assert torch.equal(tokens[:, 1:8], tokens[:, 8:])
    assert all(len(set(row)) == 7 and planted.BOS not in row for row in tokens[:, 1:8].tolist())
    assert torch.equal(tokens, random_repeats(model, 6, 7, seed=3))
    assert not torch.equal(tokens, random_repeats(model, 6, 7, seed=4))
    assert random_repeats(planted.planted(bos=False), 2, 7).shape == (2, 14)


def test_what_does_not_fit_the_context_or_the_vocabulary_is_refused() -> None:
    model = planted.planted()
    for request in (lambda: random_repeats(model, 1, 8), lambda: random_tokens(model, 1, 17)):
        with pytest.raises(BadRequest, match="planted"):
            request()


def test_the_second_copy_costs_nothing_to_the_planted_circuit_and_more_without_it() -> None:
    model = planted.planted()
    loud = replace(model, W_U=30 * model.W_U)
    tokens = random_repeats(loud, 4, 7)
    assert second_copy_loss(loud, tokens) < 1e-6
    assert second_copy_loss(replace(loud, layers=loud.layers[1:] * 2), tokens) > 1


def test_progress_counts_sequences_and_reaches_a_caller_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny(KINDS[0])
    told: list[tuple[int, int]] = []
    head_roles(model, progress=lambda *now: told.append(now))
    assert told == [(0, 20), (8, 20), (16, 20)]
    waited: list[tuple[int, int]] = []
    monkeypatch.setattr(roles, "WAIT", 0.01)
    with ThreadPoolExecutor(2) as pool:
        half, rest = Event(), Event()

        def slow(done: int, of: int) -> None:
            if done == 8:
                half.set()
                assert rest.wait(10)

        def waiting(done: int, of: int) -> None:
            waited.append((done, of))
            rest.set()

        first = pool.submit(roles.measured_roles, model, 3, slow)
        assert half.wait(60)
        second = pool.submit(roles.measured_roles, model, 3, waiting)
        assert first.result(60).equals(second.result(60))
    assert waited[0] == (8, 20)
