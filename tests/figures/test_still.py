"""Still pictures of dot plots and lines have every row, rule and missing number of their view."""

import re

import pytest

from loadstore.figures.still.dots import SHOWN
from loadstore.figures.still.dots import dots as dots_block
from loadstore.figures.still.lines import lines as lines_block
from loadstore.figures.still.sheet import LETTER, cut, number
from loadstore.views.charts import Rule, Series, lines
from loadstore.views.dots import dot, dots


def test_a_dot_is_as_far_along_its_axis_as_its_value_and_has_its_interval() -> None:
    rows = [dot("low", 0.0), dot("half", 0.5, (0.25, 0.75), [1.0], strong=True), dot("none", float("nan"))]
    drawn = "".join(dots_block(dots("A title", "share", rows, rules=[(0.5, "the middle")])).marks)
    low, half = (float(x) for x in re.findall(r'cx="([\d.]+)"', drawn))
    (other,) = re.findall(r'd="M([\d.]+) [\d.]+v12"', drawn)
    assert half == pytest.approx((low + float(other)) / 2, abs=0.1)
    ((start, end),) = re.findall(r'stroke-width="3" d="M([\d.]+) [\d.]+H([\d.]+)"', drawn)
    assert (float(start) + float(end)) / 2 == pytest.approx(half, abs=0.1)
    assert re.findall(r'class="rule" d="M([\d.]+) ', drawn) == [f"{half:.1f}"]
    for words in ("A title", "the middle", ">none<", ">share<", ">.50<"):
        assert words in drawn
    assert "nan" not in re.sub(r">[^<]*<", "", drawn)


def test_more_rows_than_a_still_picture_has_are_counted() -> None:
    for count in (SHOWN, SHOWN + 1, SHOWN + 3):
        drawn = "".join(dots_block(dots("", "", [dot(f"row {i}", float(i)) for i in range(count)])).marks)
        assert drawn.count("<circle") == SHOWN
        assert f"row {SHOWN}" not in drawn
        assert ("more" in drawn) == (count > SHOWN)
        if count > SHOWN:
            assert f"{count - SHOWN} more" in drawn


def test_a_line_breaks_where_a_number_is_missing_and_rules_stand_at_their_values() -> None:
    series = [Series(name="a", x=(0.0, 1.0, 2.0, 3.0), y=(0.0, 1.0, None, 1.0), dashed=True)]
    rules = [Rule(axis="y", value=0.5, label="half"), Rule(axis="x", value=1.5, label="between")]
    drawn = "".join(
        lines_block(lines("Two parts", ("x", "step", "linear"), ("y", "loss", "linear"), series, rules)).marks
    )
    (path,) = re.findall(r'class="curve c0" d="(M[^"]*M[^"]*)" stroke-dasharray', drawn)
    points = [tuple(map(float, pair.split())) for pair in re.split("[ML]", path)[1:]]
    assert len(points) == 3
    ((left, height),) = re.findall(r'class="rule" d="M([\d.]+) ([\d.]+)H', drawn)
    assert float(height) == pytest.approx((points[0][1] + points[1][1]) / 2, abs=0.1)
    (across,) = re.findall(r'class="rule" d="M([\d.]+) [\d.]+V', drawn)
    assert float(across) == pytest.approx((points[0][0] + points[2][0]) / 2, abs=0.1)
    assert float(left) < float(across)
    assert "half" in drawn
    assert "between" in drawn


def test_words_are_cut_in_their_middle_and_numbers_that_are_none_are_words() -> None:
    assert cut("abcdefghij", 10 * LETTER) == "abcdefghij"
    assert cut("abcdefghij", 9 * LETTER) == "abcdef…ij"
    assert [number(value, 2) for value in (None, "inf", -0.001, -0.5)] == ["n/a", "inf", ".00", "−.50"]
