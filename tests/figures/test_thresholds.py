"""Where sentences of the report change: at, just below and just above, on values by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from made import made
from tiny import Kind, tiny

from loadstore.evidence.head_facts import AblationEffect, Dossier
from loadstore.figures.heads import previous, token_addresses
from loadstore.figures.heads.verdict import LITTLE, lost
from loadstore.figures.prediction import log_odds
from loadstore.figures.subject.stories import article_story
from loadstore.figures.subject.story import Story
from loadstore.figures.weights import spectra
from loadstore.figures.wires import puzzle as puzzles
from loadstore.figures.wires import traffic
from loadstore.figures.wires.pieces import LEVEL, grouped, largest
from loadstore.figures.words import chance, number, percent, plural, size, with_error
from loadstore.sites import Head


def test_a_number_that_is_rounded_to_nothing_has_no_sign() -> None:
    assert [number(value) for value in (-0.004, -0.0051, -0.0049, 0.0, -1.0)] == [".00", "−.01", ".00", ".00", "−1.00"]
    assert number(float("nan")) == "undefined"


def test_an_error_is_left_out_where_it_is_undefined_and_only_there() -> None:
    assert with_error(0.5, float("nan")) == ".50"
    assert with_error(0.5, 0.0) == ".50 ± .00"


def test_a_size_is_an_order_below_a_hundredth() -> None:
    assert [size(value) for value in (0.01, 0.00999, 0.0101, 0.0, 5e-324)] == [".01", "1e−2", ".01", "0", "5e−324"]
    assert size(float("inf")) == "undefined"


def test_a_chance_is_never_nothing() -> None:
    shown = [chance(p) for p in (0.0, 9.9e-301, 1e-300, 1.1e-300, 0.5)]
    assert shown == ["p < 1e−300", "p < 1e−300", "p 1e−300", "p 1e−300", "p .50"]
    assert [percent(share) for share in (0.8, 1.104, 0.0)] == ["80 %", "110 %", "0 %"]


def test_one_is_singular() -> None:
    assert [plural(count, "head") for count in (0, 1, 2, 1000)] == ["0 heads", "1 head", "2 heads", "1,000 heads"]


def lost_by(*effects: float, error: float = 0.001) -> str:
    """What is said of a head with these effects."""
    return lost(made(Dossier, ablation=tuple(AblationEffect("text", 2.0, effect, error) for effect in effects)))


def test_a_head_does_little_where_every_effect_is_below_five_hundredths() -> None:
    assert LITTLE == 0.05
    assert not lost_by(0.05).startswith("It does little")
    assert lost_by(0.0499).startswith("It does little")
    assert lost_by(-0.0499).startswith("It does little")
    assert not lost_by(-0.0501).startswith("It does little")
    assert not lost_by(0.01, 0.06).startswith("It does little")


def test_an_effect_is_within_the_noise_below_two_standard_errors() -> None:
    assert "within the noise" not in lost_by(0.02, error=0.01)
    assert "within the noise" in lost_by(0.0199, error=0.01)
    assert "within the noise" in lost_by(-0.0199, error=0.01)
    assert "within the noise" not in lost_by(-0.0201, error=0.01)


def test_a_change_of_the_loss_has_its_sign() -> None:
    assert "by +.200 ± .001 nats" in lost_by(0.2)
    assert "by −.200 ± .001 nats" in lost_by(-0.2)
    assert "by .000 ± .001 nats" in lost_by(0.0)


def puzzle(alignment: float, p: float, *, carries: float = 0.1, rival: float = 0.0) -> object:
    """Which head puzzles where one wire of four has these numbers; a rival of another head carries so much."""
    readers, writers = ["L1.H0.Q", "L1.H0.K"], ["L0.H0", "L0.H1", "L0.H2"]
    values = {name: np.full((3, 2), fill) for name, fill in (("alignment", -0.5), ("p", 1.0))}
    values["alignment"][2, 0], values["p"][2, 0] = alignment, p
    if rival:
        values["alignment"][1, 1], values["p"][1, 1] = 0.9, 0.0
    values["traffic"] = np.array([[9.0, 9.0], [5.0, rival], [carries, 7.0]])
    scores = xr.Dataset(
        {name: (("writer", "reader"), value) for name, value in values.items()},
        coords={"writer": writers, "reader": readers},
    )
    weights = SimpleNamespace(architecture=SimpleNamespace(heads=[Head(0, 0), Head(0, 1), Head(0, 2), Head(1, 0)]))
    known = {"candidate": Head(1, 0), "previous": Head(0, 0), "scores": scores, "weights": weights}
    found = puzzles.puzzle(made(Story, loads=lambda _: scores, **known))
    return None if found is None else (found.head, found.side)


def test_a_head_puzzles_above_chance_after_bonferroni_over_the_wires_asked() -> None:
    limit = LEVEL / 4  # Q and K of two heads
    assert LEVEL == 0.01
    assert puzzle(0.3, limit) is None
    assert puzzle(0.3, limit * 0.999) == (Head(0, 2), "Q")
    assert puzzle(0.3, limit * 1.001) is None
    assert puzzle(0.0, 0.0) is None
    assert puzzle(-0.1, 0.0) is None
    assert puzzle(1e-9, 0.0) == (Head(0, 2), "Q")


def test_of_several_heads_the_one_that_carries_most_puzzles_whatever_its_alignment() -> None:
    assert puzzle(0.3, 0.0, carries=0.2, rival=0.1) == (Head(0, 2), "Q")
    assert puzzle(0.3, 0.0, carries=0.2, rival=0.21) == (Head(0, 1), "K")
    assert puzzle(0.3, 1.0, carries=9.0, rival=0.1) == (Head(0, 1), "K"), "traffic without alignment does not count"


def test_a_spectrum_falls_where_it_is_below_a_hundredth_of_its_first() -> None:
    below, above = "fall below a hundredth of the largest after 2 directions", "stay above a hundredth of the largest"
    for third, told in ((1.0, above), (0.999, below), (1.001, above)):
        assert spectra._cliff({"W_E": np.array([100.0, 50.0, third])}) == f"Eigenvalues of W_E {told}."


def test_a_head_is_chosen_among_several_where_more_than_two_rows_can_differ() -> None:
    def of(heads: int) -> Story:
        return made(
            Story, weights=SimpleNamespace(architecture=SimpleNamespace(heads=[Head(0, i) for i in range(heads)]))
        )

    assert token_addresses._choice(of(2), 3).startswith("The head is the one whose first rows differ most")
    assert token_addresses._choice(of(2), 2) == "T"
    assert token_addresses._choice(of(1), 3) == "T"


def test_a_row_is_spread_over_as_many_tokens_as_hold_anything() -> None:
    assert token_addresses._effective(np.array([0.5, 0.5, 0.0])) == pytest.approx(2)
    assert token_addresses._effective(np.array([1.0, 0.0, 0.0])) == 1


def traffic_claim(load: list[float], aligned: list[float]) -> str:
    """The claim about the Q wires of one head with these numbers."""
    size_of = len(load)
    coords = {"writer": [f"L0.H{i}" for i in range(size_of)], "reader": ["L1.H0.Q"]}

    def table(**columns: list[float]) -> xr.Dataset:
        data = {name: (("writer", "reader"), np.array(values)[:, None]) for name, values in columns.items()}
        return xr.Dataset(data, coords=coords, attrs={"corpus": "default", "tokens": 7})

    return traffic._claim(table(traffic=load), table(alignment=aligned), made(Story))


def test_ranks_are_compared_over_three_wires_or_more_that_differ() -> None:
    nan = float("nan")
    assert "Over 3 wires into Q and K the rank correlation" in traffic_claim([0.1, 0.2, 0.3], [0.1, 0.2, 0.3])
    assert "rank correlation" not in traffic_claim([1.0, 2.0], [0.1, 0.2])
    assert "rank correlation" not in traffic_claim([1.0, 2.0, 3.0], [0.1, 0.2, nan])
    assert "rank correlation" not in traffic_claim([1.0, 1.0, 1.0], [0.1, 0.2, 0.3])
    assert "rank correlation" not in traffic_claim([1.0, 2.0, 3.0], [0.1, 0.1, 0.1])
    assert "is 1.00." in traffic_claim([1.0, 2.0, 3.0], [0.1, 0.2, 0.3])
    assert "is −1.00." in traffic_claim([1.0, 2.0, 3.0], [0.3, 0.2, 0.1])


def test_most_is_carried_by_the_largest_or_by_nothing() -> None:
    nan = float("nan")
    assert "On 7 tokens of the shipped corpus most is carried by L0.H1 → L1.H0.Q (2.00 nats)." in traffic_claim(
        [1.0, 2.0, nan], [0.1, 0.2, 0.3]
    )
    assert "most is carried by nothing." in traffic_claim([nan, nan], [0.1, 0.2])


def test_more_than_sixty_writers_are_drawn_by_layers() -> None:
    for count, drawn in ((60, traffic._heatmap), (59, traffic._heatmap), (61, traffic._layers)):
        assert traffic._drawn(xr.Dataset(coords={"writer": list(range(count))})) is drawn
    assert traffic.FEW == 60


@pytest.fixture(scope="module")
def story() -> Story:
    """A small model with positions, of attention alone."""
    return article_story(tiny(Kind("learned", "none", True)), [1, 2, 3, 1])


def test_a_prediction_is_before_another_from_equal_log_odds_on(story: Story) -> None:
    for recorded, told in ((0.0, ".00 nats above"), (-0.01, ".01 nats below"), (0.01, ".01 nats above")):
        vars(story)["parts"] = story.parts.assign_attrs(recorded=recorded)
        assert told in log_odds._prediction(story).claim


def test_the_first_prediction_has_no_number(story: Story) -> None:
    for rank, told in ((0, "is the first prediction (probability"), (1, "is prediction number 2 (probability")):
        ranked = replace(story, asked=replace(story.asked, rank=rank))
        assert told in log_odds._prediction(ranked).claim


def test_negating_changes_no_score_below_rounding(story: Story) -> None:
    for change, told in (
        (1e-9, "changes a score by 1.0e-09."),
        (0.99e-9, "changes no score."),
        (0.0, "changes no score."),
    ):
        vars(story)["scores"] = story.scores.assign(score=story.scores.score * 0)
        vars(story)["negated"] = story.negated.assign(score=story.negated.score * 0 + change)
        assert previous._controls(story).claim.endswith(f"Negating W_pos {told}")


def test_a_scale_ends_above_the_largest_value_and_at_one_where_that_is_nothing() -> None:
    nan = float("nan")
    assert [largest(np.array([value, nan])) for value in (0.0, 1e-9, -1.0, nan, 1.0)] == [1.0, 1.1e-9, 1.0, 1.1, 1.1]


def test_the_embedding_and_positions_are_groups_of_their_own() -> None:
    assert grouped(["embed", "pos", "L0.H0", "L0.bias", "L0.mlp", "L1.H0"]) == [
        ("embed", ["embed"]),
        ("pos", ["pos"]),
        ("L0", ["L0.H0", "L0.bias", "L0.mlp"]),
        ("L1", ["L1.H0"]),
    ]
