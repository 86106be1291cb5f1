"""The catalogue of mutants is current, and a few of them are killed on every run; `make mutants` runs all."""

import pytest
from mutants import run

MUTANTS = run.catalogue()
RANK_ONE = "tests/theorems/test_null.py::test_rank_one_is_the_beta_distribution_of_a_squared_cosine"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_what_a_mutant_replaces_is_there_exactly_once(mutant: run.Mutant) -> None:
    assert mutant.broken() != (run.ROOT / "src" / "loadstore" / mutant.file).read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_tests_of_a_mutant_exist(mutant: run.Mutant) -> None:
    for test in mutant.tests:
        file, _, function = test.partition("::")
        assert f"def {function.partition('[')[0]}(" in (run.ROOT / file).read_text(encoding="utf-8")


def test_names_are_unique() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_a_replacement_that_is_not_there_is_an_error() -> None:
    stale = run.Mutant("stale", "linear/null.py", "no such text", "", [])
    with pytest.raises(ValueError, match="0 times"):
        stale.broken()


def test_a_few_mutants_are_killed() -> None:
    names = ("the null's variance is off", "the induction stripe is off by one", "Q and K are swapped")
    assert run.survivors([mutant for mutant in MUTANTS if mutant.name in names]) == []


def test_a_mutant_that_changes_nothing_is_reported_as_a_survivor() -> None:
    harmless = run.Mutant("harmless", "linear/null.py", "FLAT = 1e-4", "FLAT = 1.0e-4", [RANK_ONE])
    assert run.survivors([harmless]) == ["harmless: no test noticed"]
