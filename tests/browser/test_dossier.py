"""The figures of a head's dossier: every table equals what `ls.experiments.dossier` gives."""

import numpy as np
import pytest
from browser.reading import columns, row_names
from served import builtin

import loadstore as ls
from loadstore.sites import SIDES


@pytest.fixture(scope="module")
def page(opened):
    return opened[0]


@pytest.fixture(scope="module")
def found(page):
    head = page.locator("#figure-h1 h3").inner_text().split()[-2]
    return ls.experiments.dossier(builtin(), head)


def numbers(rows: list[list[str]], column: int = 0) -> list[float]:
    return [float(row[column]) for row in rows]


def close(shown: list[float], known: list[float]) -> None:
    np.testing.assert_allclose(shown, known, rtol=1e-5, atol=1e-6)


def test_roles(page, found):
    for view, on in enumerate(dict.fromkeys(score.on for score in found.roles)):
        scores = [score for score in found.roles if score.on == on]
        assert row_names(page, "figure-h1", view) == [score.role for score in scores]
        close(numbers(columns(page, "figure-h1", view)), [score.score for score in scores])


def test_what_it_reads_and_who_reads_it(page, found):
    reads = [wire for side in SIDES for wire in found.side(side)[:6]]
    assert row_names(page, "figure-h2") == [f"{wire.reader[-1]} ← {wire.writer}" for wire in reads]
    close(numbers(columns(page, "figure-h2")), [wire.alignment for wire in reads])
    readers = found.readers[:6]
    assert row_names(page, "figure-h3") == [wire.reader for wire in readers]
    close(numbers(columns(page, "figure-h3")), [wire.alignment for wire in readers])


def test_its_spectrum(page, found):
    shown = numbers(columns(page, "figure-h4"), -1)
    close(shown, [*found.singular_values, *found.structureless])


def test_its_tokens(page, found):
    moved = columns(page, "figure-h5", 0)
    close(numbers(moved, -2), [token.norm for token in found.moved])
    assert [row[-1] for row in moved] == ["  ".join(token.promotes) for token in found.moved]
    first = {(pair.query, pair.key): pair.score for pair in reversed(found.matched)}  # rows that read the same are one
    scores = [first[pair] for pair in dict.fromkeys((pair.query, pair.key) for pair in found.matched)]
    close(numbers(columns(page, "figure-h5", 1), -1), scores)


def test_what_is_lost_without_it(page, found):
    rows = columns(page, "figure-h6")
    values = [[float(cell) for cell in row[-4:-1]] for row in rows]  # the effect, and two standard errors around it
    known = [[each.effect, each.effect - 2 * each.error, each.effect + 2 * each.error] for each in found.ablation]
    np.testing.assert_allclose(values, known, rtol=1e-3, atol=1e-5)
    intact = [f"of {effect.intact:.3f} nats".replace(" 0.", " .") for effect in found.ablation]
    assert all(text in row[-1] for text, row in zip(intact, rows, strict=True))
