"""Every branch of a computed sentence, on values by hand: what is claimed, and what is said where it is not."""

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from hostile import unchecked
from made import made
from tiny import Kind, tiny

from loadstore.decomposition.address import Address
from loadstore.figures.heads import roles
from loadstore.figures.heads.induction import is_induction
from loadstore.figures.left_out import LeftOut
from loadstore.figures.prediction import three_addresses
from loadstore.figures.prediction.walk import _contrast, _key, _source
from loadstore.figures.subject.results import Results
from loadstore.figures.subject.stories import article_story
from loadstore.figures.subject.story import Story
from loadstore.figures.wires import subspace_score
from loadstore.figures.wires.carried import carried_claim
from loadstore.figures.wires.channels import channels_figure
from loadstore.figures.wires.evidence import evidence_figure
from loadstore.figures.words import last_tokens, listed, unseen
from loadstore.heads.patterns import ROLES
from loadstore.report import article
from loadstore.scores.measures import DETAILS, PRINTED
from loadstore.sites import Head
from loadstore.views.figures import Figure

NAN = float("nan")


def test_lists_are_read_as_sentences() -> None:
    assert [listed(["a", "b", "c"][:count]) for count in (1, 2, 3)] == ["a", "a and b", "a, b and c"]


def test_windows_are_named_by_their_sizes() -> None:
    assert [last_tokens(near) for near in ([1], [3], [3, 1024], [1, 3])] == [
        *("last token", "last 3 tokens", "last 3 or 1,024 tokens", "last 1 or 3 tokens")
    ]
    assert unseen(None) == "a query cannot attend to later tokens"
    assert unseen(1) == "a query cannot attend to later tokens, nor to any before its last token"


def carried(*loads: float) -> str:
    """What carries most into these readers of one writer."""
    readers = ["L1.H0.Q", "L1.H0.V", "L1.mlp"][: len(loads)]
    table = {name: (("writer", "reader"), [list(loads)]) for name in ("traffic", "standard_error")}
    return carried_claim(xr.Dataset(table, coords={"writer": ["embed"], "reader": readers}))


def test_what_carries_nothing_is_not_said_to_carry_most() -> None:
    assert carried(0.0, NAN) == carried(0.0, 0.0) == carried(NAN, NAN) == "Nothing is carried."
    assert "embed → L1.H0.Q (1.00 ± 1.00 nats)" in carried(1.0, 0.0)
    assert "L1.H0.V" not in carried(1.0, 0.0)
    assert "embed → L1.H0.V" in carried(1.0, 1e-9)


def address(**known: Any) -> Address:
    """An address of three tokens."""
    labels = ("a·0", "b·1", "c·2")
    shares = {side: {"embed": 0.7, "pos": 0.3} for side in "QKV"}
    usual = {"head": Head(1, 0), "at": 2, "labels": labels, "weights": (0.1, 0.8, 0.1), "smallest": (1,), "key": 1}
    return made(
        Address, **({"effective": 1.9, "than": None, "first": 0, "shares": shares, "undefined": {}} | usual | known)
    )


def test_the_contrast_of_a_walk_is_that_of_its_address() -> None:
    assert _contrast(address()) == "b·1 scores above the mean of its keys"
    assert _contrast(address(than=0)) == "b·1 scores above a·0"
    assert _contrast(address(key=None)) == "the row differs from even attention"
    assert [_key(address()), _key(address(key=None))] == ["b·1", "its keys"]


def test_a_side_without_shares_says_why() -> None:
    assert (
        three_addresses._described(address(), "Q") == "Q from the query's own token, mostly embed (.70) and pos (.30)"
    )
    told = three_addresses._described(address(undefined={"Q": "every key has the same score"}), "Q")
    assert told == "Q from the query's own token (shares undefined: every key has the same score)"


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"embed": 0.5, "pos": 0.05}, "mostly embed (.50) and pos (.05)"),
        ({"embed": 0.5, "pos": 0.0499}, "mostly embed (.50)"),
        ({"embed": 0.4, "pos": 0.1}, "mostly embed (.40) and pos (.10)"),
        ({"embed": 0.4, "pos": 0.0999}, "spread over many writers, first embed (.40) and pos (.10)"),
        ({"embed": 0.4999, "pos": 0.0}, "spread over many writers, first embed (.50)"),
    ],
)
def test_writers_are_most_of_a_side_from_half_on_and_named_from_a_tenth_of_the_first(
    shares: dict[str, float], said: str
) -> None:
    found = address(shares={"Q": shares})
    assert three_addresses._described(found, "Q") == f"Q from the query's own token, {said}"


@pytest.mark.parametrize(
    ("attention", "parts", "source"),
    [
        ((0.7, 0.2, 0.1), (0.1, 0.3, math.nan), 1),  # not the most attended token, but the one that adds most
        ((0.7, 0.3, 0.0), (0.1, 0.0, 0.5), "most"),  # a part from elsewhere, which the head does not attend to
        ((1.0, 0.0, 0.0), (0.5, 0.0, 0.0), "most"),
        ((0.7, 0.2, 0.1), (0.0, -0.3, -0.1), "most"),
    ],
)
def test_a_walk_is_to_the_token_that_adds_most(
    attention: tuple[float, ...], parts: tuple[float, ...], source: int | str
) -> None:
    trace = SimpleNamespace(pattern=lambda _: torch.tensor([attention]))
    story = made(Story, trace=trace, main=Head(0, 0), asked=SimpleNamespace(at=0))
    assert _source(story, np.array(parts)) == source


def test_with_one_key_shares_are_of_what_was_stored() -> None:
    assert "with one key there is nothing that Q and K could choose" in three_addresses._partition("b·1", 1)
    assert "minus the mean over the 2 keys that the mask allows" in three_addresses._partition("b·1", 2)


def evidence(traffic_of: list[float], target: list[float]) -> str:
    """The claim about two wires into the Q of one head."""
    table = {measure.name: ("wire", [0.1, 0.2]) for measure in PRINTED}
    table |= {"traffic": ("wire", traffic_of), "change": ("wire", target)}
    coords = {"writer": ("wire", ["embed", "pos"]), "reader": ("wire", ["L1.H0.Q"] * 2)}
    found = xr.Dataset(table, coords=coords, attrs={"corpus": "default"})
    weights = SimpleNamespace(tokens=None)
    trace = SimpleNamespace(labels=["a·0"])
    story = made(Story, weights=weights, trace=trace, asked=SimpleNamespace(predict=3, at=0))
    vars(story)["evidence"] = lambda *_: found
    return evidence_figure(story, Head(1, 0)).claim


def test_the_wire_that_carries_most_may_not_be_the_one_whose_cut_changes_most() -> None:
    assert "into its Q embed carries most (2.00), and its cut changes most (.30)" in evidence([2.0, 1.0], [0.3, 0.2])
    assert "into its Q embed carries most (2.00), but cutting pos changes more (.40)" in evidence(
        [2.0, 1.0], [0.3, 0.4]
    )


def test_an_induction_head_is_named_only_where_it_is_one() -> None:
    table = {role: ("head", [0.45]) for role in ROLES} | {f"{role}_se": ("head", [0.01]) for role in ROLES}
    found = xr.Dataset(table, coords={"head": ["L1.H0"]})
    assert is_induction(made(Story, roles=found, induction=()), Head(1, 0)) == (
        "No head is an induction head; the nearest is L1.H0 with .45 ± .01 on random repeats."
    )
    assert is_induction(made(Story, roles=found, induction=(Head(1, 0),)), Head(1, 0)).startswith(
        "L1.H0 is an induction head: .45 ± .01 of its attention"
    )


def lead(*, previous: bool, candidate: bool, induction: bool) -> str:
    """The first paragraph about one head of each role."""
    table = {role: ("head", [0.6, 0.7]) for role in ROLES} | {f"{role}_se": ("head", [0.01, 0.01]) for role in ROLES}
    found = xr.Dataset(table, coords={"head": ["L0.H0", "L1.H0"]})
    later = Head(1, 0)
    return article.lead(
        made(
            Story,
            roles=found,
            previous=Head(0, 0),
            is_previous=previous,
            candidate=later if candidate else None,
            induction=(later,) if induction else (),
        )
    )


def test_the_first_paragraph_says_what_was_found_or_that_it_was_not() -> None:
    assert lead(previous=True, candidate=True, induction=True) == (
        "L0.H0 attends to the previous token (.60 on random repeats). After it come L1.H0 (.70): on repeats they "
        "attend to what followed before."
    )
    assert lead(previous=False, candidate=True, induction=True).startswith(
        "No head of layer 0 attends to the previous token (at most .60, L0.H0)."
    )
    assert "With one layer there is nothing above it" in lead(previous=True, candidate=False, induction=False)
    assert "No head is an induction head" in lead(previous=True, candidate=True, induction=False)


def test_one_first_writer_is_singular() -> None:
    assert article._use(made(Story, first_writers=("embed",))) == "does the first writer use"
    assert article._use(made(Story, first_writers=("embed", "pos"))) == "do the first two writers use"


def channels(count: int, total: int, *, aligned: bool = True, dimension: int = 1) -> Figure:
    """The figure of some of the channels of a writer over one reader."""
    fill = 0.5 if aligned else NAN
    measures = {name: (("channel", "reader"), np.full((count, 1), fill)) for name in (*DETAILS, "carried", "relative")}
    own = {name: ("channel", np.ones(count)) for name in ("strength", "share")}
    own["dimension"] = ("channel", np.full(count, dimension))
    coords = {"channel": list(range(count)), "reader": ["L1.H0.Q"]}
    attrs = {"writer": "L0.H1", "total": total, "model": "tiny", "definition": "d", "norms": "fold", "control": "none"}
    return channels_figure(xr.Dataset(measures | own, coords=coords, attrs=attrs | {"null": "rotation"}))


def test_channels_that_are_not_drawn_are_counted() -> None:
    assert "are drawn" not in channels(32, 32).claim
    assert channels(33, 33).claim.endswith(" The strongest 32 of 33 are drawn.")
    assert channels(2, 3).claim.endswith(" The strongest 2 of 3 are drawn.")
    assert channels(2, 2, aligned=False).claim == "L0.H1 has 2 channels; no wire of theirs has an alignment."
    assert ", 2 directions" in str(channels(1, 1, dimension=2).views)
    assert "directions" not in str(channels(1, 1).views)


def patterns(*, tokens: int, heads: int, windows: list[int | None]) -> Figure:
    """The figure of so many notable heads' patterns; head i is of layer i."""
    every = [Head(layer, 0) for layer in range(heads)]
    pattern = np.tri(tokens) / np.arange(1, tokens + 1)[:, None]
    table = {role: ("head", [0.1] * heads) for role in ROLES}

    class Row:
        def __getitem__(self, at: object) -> Any:
            return pattern[at]

        def double(self) -> "Row":
            return self

        def numpy(self) -> np.ndarray:
            return pattern

    trace = SimpleNamespace(labels=[f"#{i}·{i}" for i in range(tokens)], pattern=lambda _: Row())
    shape = SimpleNamespace(window=lambda layer: windows[layer], n_layers=heads)
    trace.weights = SimpleNamespace(architecture=shape, layers=[SimpleNamespace(sinks=None)] * heads)
    story = made(
        Story,
        results=Results(notable=tuple(every)),
        roles=xr.Dataset(table, coords={"head": [str(head) for head in every]}),
        trace=trace,
        weights=trace.weights,
    )
    with unchecked():  # a run made of names alone
        return roles._patterns(story)


def test_attention_on_the_first_token_is_told_of_one_head_or_several() -> None:
    one = patterns(tokens=1, heads=1, windows=[None])
    assert one.claim == "The prompt is one token: L0.H0 attends to it."
    assert patterns(tokens=1, heads=2, windows=[None] * 2).claim.endswith("every head attends to it.")
    assert patterns(tokens=2, heads=1, windows=[None]).claim == (
        "L0.H0 leaves .50 of its attention on the first token."
    )
    assert patterns(tokens=2, heads=2, windows=[None] * 2).claim.startswith("On average they leave .50")


def test_windows_are_told_where_there_are_some() -> None:
    assert patterns(tokens=2, heads=1, windows=[None]).note is None
    told = [patterns(tokens=2, heads=len(near), windows=near).note.text for near in ([1], [3, 3], [3, None], [3, 4])]
    assert told[0].startswith("It sees only its last token:")
    assert told[1].startswith("All see only their last 3 tokens:")
    assert told[2].startswith("Some see only their last 3 tokens:")
    assert told[3].startswith("All see only their last 3 or 4 tokens:")


@pytest.fixture(scope="module")
def story() -> Story:
    return article_story(tiny(Kind("none", "none", False)), [1, 2, 3, 1])


@pytest.mark.parametrize(
    ("others", "told"),
    [
        (0.01, "for both; their ceilings differ with their spectra."),
        (0.9, "for both; their ceilings"),
        (NAN, "whatever"),
    ],
)
def test_one_wire_or_two_are_scored(story: Story, others: float, told: str) -> None:
    known = replace(story)
    vars(known)["scores"] = story.scores.assign(alignment=story.scores.alignment * 0 + others)
    known.scores.alignment.loc[{"writer": "embed"}] = 0.5
    found = subspace_score.score_figure(known)
    assert not isinstance(found, LeftOut)
    assert told in found.claim


def test_a_reader_that_nobody_is_aligned_with_has_no_figure(story: Story) -> None:
    known = replace(story)
    vars(known)["scores"] = story.scores.assign(alignment=story.scores.alignment * NAN)
    found = subspace_score.score_figure(known)
    assert isinstance(found, LeftOut)
    assert found.reason.startswith(f"No writer has a defined alignment with {known.candidate}.K")
