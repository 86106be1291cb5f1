"""The section on a task: its circuit, drawn and under six tests; and the command that adds it to a page."""

import re

import pytest
from served import builtin

import loadstore as ls
from loadstore.decomposition.short import short
from loadstore.report.task import task_section
from loadstore.views.figures import Section


@pytest.fixture(scope="module")
def told() -> list[float]:
    return []


@pytest.fixture(scope="module")
def section(told: list[float]) -> Section:
    return task_section(ls.task(builtin(), "induction", pairs=24), 9, lambda name, share: told.append(share))


def test_it_has_the_picture_sizes_the_proof_and_the_pairs(section: Section) -> None:
    assert [figure.number for figure in section.figures] == ["Circuit", "Sizes", "Proof", "Attribution", "Task"]
    schemas = [[type(view).__name__ for view in figure.views] for figure in section.figures]
    assert schemas == [["Picture", "Program"], ["Lines"], ["Dots"] * 3, ["Bars"], ["Table"]]


def test_the_picture_has_the_f_that_the_proof_has_for_the_same_wires(section: Section) -> None:
    """The built-in circuit is small: all of its wires are drawn, so the two F are of the same wires."""
    circuit, _, proof, *_ = section.figures
    picture = circuit.views[0]
    wires, drawn = re.search(r"F of exactly these (\d+) wires on \d+ pairs: (\S+);", picture.notes[1]).groups()
    count, whole = re.search(r"The (\d+) wires carry F (\S+),", proof.claim).groups()
    assert int(wires) <= int(count)
    assert drawn == whole or int(wires) < int(count)
    assert proof.views[0].rows[0].value == pytest.approx(float(whole), abs=0.0051)
    assert short(proof.views[0].rows[0].value) == whole


def test_progress_goes_from_nothing_to_all(section: Section, told: list[float]) -> None:
    assert section
    assert told == sorted(told)
    assert told[0] == 0
    assert 0.9 < told[-1] <= 1
