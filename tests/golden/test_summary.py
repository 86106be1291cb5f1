"""The comparison itself, on made numbers: what it notices, from where on, and what it lets pass."""

import math

import numpy as np
import pytest
import xarray as xr
from golden.summary import FEW, RELATIVE, ROUNDING, Result, differences, summary

MANY = np.array([3.0, -1.0, 0.5, 2.0, -2.5, 0.25, 1.0, -0.75, 1.5, 4.0])  # more than are kept one by one
FEW_NUMBERS = {"before": 2.0, "after": -1.0, "change": -3.0}


def apart(new: Result, old: Result) -> list[str]:
    """What a comparison with the kept numbers of an older result says; both ways of keeping them agree."""
    found = [differences(new, summary(old, named=named)) for named in (False, True)]
    assert bool(found[0]) == bool(found[1])
    return found[0]


@pytest.mark.parametrize("place", range(len(MANY)))
def test_any_entry_that_moves_by_a_millionth_of_the_largest_is_noticed(place: int) -> None:
    moved = MANY.copy()
    moved[place] += 1e-6 * 4
    assert apart(moved, MANY)
    assert not apart(MANY, MANY)


def test_numbers_by_name_may_differ_by_the_tolerance_of_the_largest() -> None:
    for times, noticed in ((0.99, False), (1.01, True)):
        for name in FEW_NUMBERS:
            moved = FEW_NUMBERS | {name: FEW_NUMBERS[name] + times * RELATIVE * 3}
            assert bool(apart(moved, FEW_NUMBERS)) == noticed, (times, name)


def test_so_may_the_sum_of_many() -> None:
    weight = summary(np.eye(len(MANY))[0], named=False)[1]  # of the first entry
    for times, noticed in ((0.99, False), (1.01, True)):
        moved = MANY.copy()
        moved[0] += times * RELATIVE * 4 / weight
        assert bool(apart(moved, MANY)) == noticed, times


def test_rounding_of_tiny_numbers_is_let_pass_and_no_more() -> None:
    tiny = {"change": 1e-9}
    assert not apart({"change": 1e-9 + 0.99 * ROUNDING}, tiny)
    assert apart({"change": 1e-9 + 1.01 * ROUNDING}, tiny)
    assert apart({"change": -1e-9}, tiny)
    assert apart({"change": 0.0}, tiny)


def test_where_all_was_nothing_anything_is_noticed() -> None:
    assert apart(MANY, MANY * 0)
    assert apart(MANY * 1e-12, MANY * 0)
    assert not apart(MANY * 0, MANY * 0)


def test_another_sign_is_noticed() -> None:
    assert apart(-MANY, MANY)
    for place in range(len(MANY)):
        one = np.where(np.arange(len(MANY)) == place, -MANY, MANY)
        assert apart(one, MANY), place
    assert apart(FEW_NUMBERS | {"after": 1.0}, FEW_NUMBERS)


def test_entries_that_change_places_are_noticed() -> None:
    for first in range(len(MANY)):
        for second in range(first):
            swapped = MANY.copy()
            swapped[[first, second]] = MANY[[second, first]]
            assert apart(swapped, MANY), (first, second)
    assert apart(MANY[::-1], MANY)
    assert apart(MANY.reshape(2, 5).T, MANY.reshape(2, 5))
    assert apart(FEW_NUMBERS | {"before": -1.0, "after": 2.0}, FEW_NUMBERS)


def test_nan_equals_nan_and_nothing_else() -> None:
    holed = np.where(np.arange(len(MANY)) == 3, np.nan, MANY)
    assert not apart(holed, holed)
    assert apart(holed, MANY)
    assert apart(MANY, holed)
    assert apart(np.where(np.arange(len(MANY)) == 4, np.nan, MANY), holed)
    number, nothing = {"error": 1.0}, {"error": math.nan}
    assert not apart(nothing, nothing)
    assert apart(number, nothing)
    assert apart(nothing, number)
    assert apart(number | {"error": 0.0}, nothing)


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_an_infinity_is_noticed(value: float) -> None:
    assert apart({"error": value}, {"error": 1.0})
    assert apart({"error": 1.0}, {"error": value})
    assert apart(np.where(np.arange(len(MANY)) == 4, value, MANY), MANY)


def test_a_name_that_is_missing_or_new_or_another_is_noticed() -> None:
    less = {name: value for name, value in FEW_NUMBERS.items() if name != "change"}
    assert apart(less, FEW_NUMBERS)
    assert apart(FEW_NUMBERS, less)
    assert apart(less | {"changes": -3.0}, FEW_NUMBERS)


def test_entries_that_are_missing_or_new_are_noticed() -> None:
    assert apart(MANY[:-1], MANY)
    assert apart(np.append(MANY, 1.0), MANY)
    many = {f"head {place}": value for place, value in enumerate(MANY)}
    assert len(many) > FEW
    assert apart(dict(list(many.items())[1:]), many)


def test_the_largest_entry_of_a_real_model_has_its_name() -> None:
    was = xr.DataArray(MANY, {"writer": [f"L0.H{place}" for place in range(len(MANY))]}, ("writer",))
    renamed = was.assign_coords(writer=[f"L1.H{place}" for place in range(len(MANY))])
    assert differences(renamed, summary(was, named=True)) == ["has no L0.H9"]


def test_lists_of_names_are_compared_whole() -> None:
    few, many = ["L0.H1", "embed"], [f"L0.H{place}" for place in range(FEW + 4)]
    for names in (few, many):
        assert not apart(names, names)
        assert apart([*names[:-1], "pos"], names)
        assert apart(names[::-1], names)
        assert apart(names[:-1], names)
        assert apart([*names, "pos"], names)
    assert apart([], few)
    assert apart(MANY, few)
    assert apart(few, MANY)


@pytest.mark.parametrize("known", [MANY, FEW_NUMBERS, 2.0])
def test_other_kinds_of_results_are_noticed(known: Result) -> None:
    for other in ({"another": 1.0}, ["a name"], MANY * 2):
        assert apart(other, known)
