"""Where what training says changes, and recipes are refused: at, just below and just above, on numbers by hand."""

from pathlib import Path

import pytest
import torch
from each import each
from tiny import Kind, Sizes, tiny

from loadstore.errors import BadRequest
from loadstore.report.formation import formation_document
from loadstore.training import precision
from loadstore.training.formation import HIGH, LOW, Formation, Moment, _tokens, chance, verdict, window
from loadstore.training.recipe_file import read_recipe

SMALL = Path(__file__).with_name("small.toml").read_text(encoding="utf-8")
MODEL = tiny(Kind("learned", "none", True, sizes=Sizes(context=20)), n_layers=2, n_heads=12)
LENGTHS = "length = 24\nrepeats = 1.0\nblock = [4, 11]"


def formed(score: float, began: Moment | None = None, ended: Moment | None = None) -> Formation:
    """A run of three measurements that ends with this score."""
    return Formation(
        *("L1.H0", "L0.H0", [0, 10, 20], [0, 1, 2000], [0.1, 0.2, score], [0.9] * 3, [6.0] * 3, [1.0] * 3),
        began=began,
        ended=ended,
    )


@each(("score", "told"), [(0.9, False), (0.9 - 1e-9, False), (0.9 + 1e-9, True)])
def test_a_head_has_formed_above_nine_tenths(score: float, *, told: bool) -> None:
    found = formed(score)
    assert found.formed == told
    assert verdict(found).startswith("an induction head formed" if told else "no induction head formed")
    page = formation_document(MODEL, found)
    assert page.title == ("The moment an induction head forms" if told else "No induction head formed")


def test_a_moment_is_told_where_both_ends_of_the_rise_are_known() -> None:
    early, late = Moment(2.0, 999_999.0), Moment(8.0, 1e6)
    assert "between step 2 and 8, 999,999 and 1.00 million tokens" in verdict(formed(0.95, early, late))
    assert "step" not in verdict(formed(0.95, early))
    assert [_tokens(count) for count in (999_999.4, 1e6, 1_006_000.0)] == ["999,999", "1.00 million", "1.01 million"]
    assert "(guessing: 2.83)" in chance(formed(0.95), 17)


def test_a_rise_is_from_a_tenth_to_nine_tenths() -> None:
    steps, tokens = [0, 10, 20, 30, 40], [0, 100, 200, 300, 400]
    assert (LOW, HIGH) == (0.1, 0.9)
    began, ended = window(steps, tokens, [0.0, 0.1, 0.5, 0.9, 1.0])
    assert (began, ended) == (Moment(10.0, 100.0), Moment(30.0, 300.0))
    began, ended = window(steps, tokens, [0.0, 0.101, 0.5, 0.899, 1.0])
    assert began is not None
    assert ended is not None
    assert 0 < began.step < 10
    assert 30 < ended.step < 40
    assert window(steps, tokens, [0.5] * 5) == window(steps, tokens, [0.5, 1.0, 1.0, 1.0, 0.4]) == (None, None)
    assert None not in window(steps, tokens, [0.0, 0.0, 0.0, 0.0, 1e-9])


def test_a_page_has_no_point_at_zero_tokens() -> None:
    figure = formation_document(MODEL, formed(0.95)).sections[0].figures[0]
    assert figure.views[0].series[0].x == (1, 2000)


@pytest.mark.parametrize(("share", "worth"), [(0.8, False), (0.799, True), (0.801, False)])
def test_bfloat16_is_worth_it_below_eight_tenths_of_the_time(
    monkeypatch: pytest.MonkeyPatch, share: float, *, worth: bool
) -> None:
    monkeypatch.setattr(precision, "_seconds", lambda kind: share if kind is torch.bfloat16 else 1.0)
    assert precision.faster_in_bfloat16() == worth


@pytest.mark.parametrize(
    ("old", "fine", "wrong", "told"),
    [
        ("vocab = 257", "vocab = 257", "vocab = 256", "expected 257 or more"),
        ("seed = 1", "seed = 9223372036854775807", "seed = 9223372036854775808", "less than 2"),
        ("length = 24", "length = 12", "length = 11", "below 11"),
        ("length = 24", "length = 24", "length = 25", "2 to the context"),
        (LENGTHS, "length = 2\nrepeats = 1.0\nblock = [1, 1]", "length = 1\nrepeats = 1.0\nblock = [1, 1]", "2 to"),
        ("repeats = 1.0", "repeats = 1.0", "repeats = 1.01", "a share from 0 to 1"),
        ("repeats = 1.0", "repeats = 0", "repeats = -0.01", "0 or more"),
        ("batch = 8", "batch = 1", "batch = 0", "1 or more"),
        ("block = [4, 11]", "block = [11, 11]", "block = [12, 11]", "two increasing lengths"),
        ("block = [4, 11]", "block = [4, 23]", "block = [4, 24]", "below 24"),
        ("block = [4, 11]", "block = [1, 11]", "block = [0, 11]", "1 or more"),
        ("steps = 12", "steps = 0", "steps = -1", "0 or more"),
        ("[[phase]]", "per_octave = 1\n[[phase]]", "per_octave = 0\n[[phase]]", "1 or more"),
        ("batch = 8", "batch = 8\nopen_heads = [2, 2]", "batch = 8\nopen_heads = [2, 3]", "at most 2"),
        ("batch = 8", "batch = 8\nopen_heads = [2, 2]", "batch = 8\nopen_heads = [2]", "one count per layer"),
    ],
)
def test_a_recipe_is_fine_up_to_its_bound(tmp_path: Path, old: str, fine: str, wrong: str, told: str) -> None:
    path = tmp_path / "recipe.toml"
    assert SMALL.count(old) == 1
    path.write_text(SMALL.replace(old, fine), encoding="utf-8")
    read_recipe(path)
    path.write_text(SMALL.replace(old, wrong), encoding="utf-8")
    with pytest.raises(BadRequest, match=told):
        read_recipe(path)
