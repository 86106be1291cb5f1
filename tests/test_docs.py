"""The pages: all are listed, what they name exists, and what they alone say is so."""

import ast
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from each import each
from tiny import FEW, Kind, some_tokens, tiny

from loadstore.execution.edits import ablate, cut
from loadstore.execution.run import run
from loadstore.model.rotary import Rotary
from loadstore.scores.relative import relative
from loadstore.scores.scores import subspace_scores

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
NAMED = r"\b(?:tests|src)/[\w/.-]*\w"
TEST = r"\b(tests/[\w/]+\.py)::(\w+)"


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def docstrings(source: str) -> str:
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return "\n".join(ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, holders))


def test_the_index_lists_every_page_once() -> None:
    listed = re.findall(r"^- \[(.+)\]\((.+)\): \w", read(ROOT / "docs" / "index.md"), re.MULTILINE)
    assert sorted(link for _, link in listed) == [page.name for page in PAGES if page.name != "index.md"]
    assert all(text == link for text, link in listed)


@each("page", PAGES)
def test_what_a_page_names_exists(page: Path) -> None:
    text = read(page)
    assert [path for path in re.findall(NAMED, text) if not (ROOT / path).exists()] == []
    assert [link for link in re.findall(r"\]\(([^)#:]+)\)", text) if not (page.parent / link).exists()] == []
    for file, name in re.findall(TEST, text):
        assert f"def {name}(" in read(ROOT / file)


def test_a_page_names_the_tests_that_check_it() -> None:
    unchecked = [page.name for page in PAGES if not re.search(r"`tests/\w", read(page))]
    assert unchecked == ["index.md"]  # a list of pages


def test_what_a_docstring_names_exists() -> None:
    sources = {path: docstrings(read(path)) for path in (ROOT / "src").rglob("*.py")}
    named = {
        (path.name, name)
        for path, text in sources.items()
        for name in re.findall(r"\bdocs/[\w-]+\.md", text) + re.findall(NAMED, text)
    }
    assert ("null.py", "docs/null-by-rotation.md") in named
    assert [pair for pair in sorted(named) if not (ROOT / pair[1]).exists()] == []


def test_cores_a_direction_of_a_hundred_millionth_is_no_direction() -> None:
    model = tiny(Kind("learned", "none", biases=False))
    rows = torch.randn(17, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    blind = model.layers[0].W_V.clone()
    blind[0, 0] = 0.0  # L0.H0.V does not read the strong direction, it reads the weak one

    def score(strength: float) -> float:
        W_E = torch.cat([rows * torch.tensor([1.0, strength]), torch.zeros(17, 10)], 1)
        changed = replace(model, W_E=W_E, layers=(replace(model.layers[0], W_V=blind), *model.layers[1:]))
        return subspace_scores(changed, writers="embed", readers="L0.H0.V").score.item()

    assert score(1e-5) == pytest.approx(1e-2 * score(1e-3), rel=1e-3)
    assert score(1e-9) == 0


def test_rotary_thirteen_of_thirty_two_pairs_have_not_turned_in_a_real_window() -> None:
    slow = [f for f in Rotary.of(64, base=100_000.0).frequencies if 2 * f * 2048 < 2 * math.pi]
    assert len(slow) == 13


@pytest.mark.parametrize("kind", FEW, ids=str)
def test_cuts_of_k_differ_by_what_softmax_ignores_unless_norms_or_turns_differ_by_token(kind: Kind) -> None:
    model, tokens = tiny(kind), some_tokens(tiny(kind), batch=3)
    mean, zero = (run(model, tokens, [cut("L0.H1", "L1.H2.K", by=by)]).pattern("L1.H2") for by in ("mean", "zero"))
    same = kind.norm == "none" and kind.positions != "rotary" and not kind.qk_norm
    assert (float((mean - zero).abs().max()) < 1e-12) == same
    assert same or float((mean - zero).abs().max()) > 1e-3


@pytest.mark.parametrize("kind", [kind for kind in FEW if kind.biases], ids=str)
def test_cuts_a_bias_has_nothing_but_its_mean(kind: Kind) -> None:
    model, tokens = tiny(kind), some_tokens(tiny(kind))
    intact = run(model, tokens).logits
    for edits in ([ablate("L0.bias")], [cut("L0.bias", "L1.H0.K")]):
        assert float((run(model, tokens, edits).logits - intact).abs().max()) < 1e-12
    assert float((run(model, tokens, [ablate("L0.bias", by="zero")]).logits - intact).abs().max()) > 1e-3


def test_relative_is_double_centring_on_a_full_grid_and_nothing_for_a_product() -> None:
    scores = np.random.default_rng(0).uniform(0.1, 1, (4, 6))
    logs, found = np.log(scores), relative(scores)
    centred = logs - logs.mean(1, keepdims=True) - logs.mean(0) + logs.mean()
    np.testing.assert_allclose(found, centred, atol=1e-12)
    np.testing.assert_allclose(relative(scores * np.arange(1, 5)[:, None]), found, atol=1e-12)
    product = np.outer(scores[:, 0], scores[0])
    product[0, 1:3] = np.nan
    assert np.nanmax(abs(relative(product))) < 1e-12


def test_relative_is_nan_where_there_is_no_wire_no_score_or_nothing_to_compare() -> None:
    scores = np.random.default_rng(0).uniform(0.1, 1, (3, 4))
    scores[0, 1], scores[1, 2] = np.nan, 0.0
    scores[2, 1:] = np.nan  # the third writer has one wire, which its own effect explains
    found = relative(scores)
    assert np.array_equal(np.isnan(found), ~(scores > 0))
    assert found[2, 0] == pytest.approx(0, abs=1e-12)
    assert abs(found[0, 0]) > 1e-3
    for alone in (scores[:1], scores[:, :1], np.zeros((3, 3))):
        assert np.isnan(relative(alone)).all()
