"""The shipped model tells the article's story: every line is measured on the file and printed."""

import re
import time

import pytest
import torch
from pace import slowness

import loadstore as ls
from loadstore.checkpoints.library import builtin_path
from loadstore.training.claims import Claim, claims, read_held_out


@pytest.fixture(scope="module")
def measured():
    held_out = read_held_out(builtin_path().with_name("held_out.safetensors"))
    return list(claims(ls.load("builtin"), held_out))


def test_every_line_of_the_design_holds_on_the_shipped_file(measured: list[Claim], capsys: pytest.CaptureFixture[str]):
    with capsys.disabled():
        print()
        for claim in measured:
            print(f"{'✔' if claim.holds else '✘'} {claim.about}: {claim.line}: {claim.measured}")
    assert len(measured) >= 20
    assert [claim for claim in measured if not claim.holds] == []


def test_the_card_states_what_is_measured(measured: list[Claim]):
    card = builtin_path().with_name("builtin.md").read_text(encoding="utf-8")
    assert "**missed**" not in card
    for claim in measured:
        row = re.search(re.escape(f"| {claim.line} | ") + r"(.*) \|", card)
        assert row is not None, claim.line
        told, now = numbers(row[1]), numbers(claim.measured)
        assert told == pytest.approx(now, rel=0.02, abs=0.01), claim.line


def numbers(text: str) -> list[float]:
    """All numbers of a measurement; p values, whose magnitude is beyond any machine's rounding, left out."""
    return [
        float(found)
        for found in re.findall(r"(?<![\w.])-?\d+\.?\d*(?!\d*e)", re.sub(r"p <? ?1?[\d.]*e-?\d+", "", text))
    ]


def test_the_claims_are_false_of_a_model_with_random_weights():
    model = ls.load("builtin")
    generator = torch.Generator().manual_seed(0)
    scrambled = model.map(lambda t: torch.randn(t.shape, generator=generator) * t.std())
    held_out = read_held_out(builtin_path().with_name("held_out.safetensors"))
    false = [claim for claim in claims(scrambled, held_out) if not claim.holds]
    assert len(false) > 15
    assert {"behaviour", "weights", "cause", "sentence", "text"} <= {claim.about for claim in false}


@pytest.mark.alone
def test_the_file_is_small_and_opens_fast():
    assert builtin_path().stat().st_size <= 10_000_000
    seconds = min(_seconds() for _ in range(3))
    assert seconds < slowness()


def _seconds() -> float:
    began = time.perf_counter()
    ls.load("builtin")
    return time.perf_counter() - began
