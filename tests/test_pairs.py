"""The choice of few cases leaves out no pair, and the few kinds of models no mechanism."""

from itertools import combinations, product
from typing import Any

import pytest
from each import each
from pairs import pairs
from tiny import FEW, KINDS, Kind, few_with


def met(rows: list[tuple[Any, ...]]) -> set[Any]:
    """Every two values of two parameters that meet in a row."""
    return {((i, row[i]), (j, row[j])) for row in rows for i, j in combinations(range(len(row)), 2)}


@pytest.mark.parametrize(("sizes", "most"), [((4, 3), 12), ((3, 3, 3), 11), ((5, 4, 3, 2), 22), ((2,) * 10, 12)])
def test_every_two_values_meet_and_few_rows_suffice(sizes: tuple[int, ...], most: int) -> None:
    rows = list(product(*map(range, sizes)))
    chosen = pairs(rows)
    assert met(chosen) == met(rows)
    assert set(chosen) <= set(rows)
    assert len(chosen) == len(set(chosen)) <= most


def test_two_parameters_are_their_product_and_equal_rows_are_one() -> None:
    rows = list(product("abc", [1, 2]))
    assert pairs(rows + rows) == rows


def test_pairs_that_no_row_has_are_not_asked_for() -> None:
    rows = [(a, b, c) for a, b, c in product(range(4), repeat=3) if a != b]
    assert met(pairs(rows)) == met(rows)
    assert ((0, 1), (1, 1)) not in met(rows)


def test_facts_decide_and_the_earliest_of_equals_is_chosen() -> None:
    rows = ["apple", "avocado", "banana", "blueberry"]
    assert pairs(rows, lambda row: (row[0], "fruit")) == ["apple", "banana"]
    assert pairs(iter(rows), lambda row: (row[0], len(row))) == rows


def test_nothing_comes_of_nothing() -> None:
    assert pairs([]) == []


@each("fact", [name for name in Kind._fields if name != "sizes"])
def test_every_mechanism_is_in_the_few_kinds(fact: str) -> None:
    assert set(FEW) <= set(KINDS)
    few, every = ({getattr(kind, fact) for kind in kinds} for kinds in (FEW, KINDS))
    if fact in ("experts", "latent"):  # alone and beside shared units: one mechanism; "all" has the latent of "keys"
        few, every = set(map(bool, few)), set(map(bool, every))
    assert few == every


def test_every_mechanism_meets_every_other_value() -> None:
    chosen = few_with("abc", (1, 2))
    assert {kind for kind, *_ in chosen} <= set(FEW)
    assert len(chosen) < len(FEW) * 3
    for fact in Kind._fields[:-1]:
        values = {getattr(kind, fact) for kind in FEW}
        for letter, number in product("abc", (1, 2)):
            assert {getattr(kind, fact) for kind, other, _ in chosen if other == letter} == values
            assert {getattr(kind, fact) for kind, _, other in chosen if other == number} == values
            assert (letter, number) in {(other, another) for _, other, another in chosen}


def test_rotary_positions_turn_in_all_their_ways_in_the_few_kinds() -> None:
    ways = {(kind.rotary.pairs, len(kind.rotary.frequencies)) for kind in KINDS if kind.rotary}
    assert {way[0] for way in ways} == {kind.rotary.pairs for kind in FEW if kind.rotary}
    assert {way[1] for way in ways} == {len(kind.rotary.frequencies) for kind in FEW if kind.rotary}
