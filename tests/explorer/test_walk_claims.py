"""Every threshold of the walk's sentences at it, below and above; and the reader's own prompt."""

import math
from dataclasses import replace

import pytest
from each import each
from served import on_builtin

from loadstore.evidence.circuit import Circuit
from loadstore.explorer.ambiguity import SHARE, TOP, Ambiguity, Answer
from loadstore.explorer.answers import several_answers
from loadstore.explorer.circuit import HALF, find_circuit, matched, mostly
from loadstore.explorer.reader import own_example
from loadstore.explorer.state import Document, Explorer
from loadstore.explorer.steps import WORDS, finds, text_before
from loadstore.explorer.table import answered
from loadstore.sites import parse_head

ARTICLE = "the cat sat on the mat. the dog sat on the log."
ABOVE, BELOW = math.nextafter(0.5, 1), math.nextafter(0.5, 0)


def quiet(done: int, of: int) -> None:
    """Nobody looks at the progress."""


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return on_builtin()


@pytest.fixture(scope="module")
def circuit(explorer: Explorer) -> Circuit:
    found = find_circuit(explorer.weights, quiet)
    explorer.once("circuit", lambda: found)
    assert found[0] is not None
    return found[0]


@pytest.fixture(scope="module")
def ambiguity(explorer: Explorer) -> Ambiguity:
    name, trace = explorer.runs.make("a b c a d e a")
    answers = tuple(Answer(token, 0.1, rank) for token, rank in ((5, 0), (6, 1)))
    return Ambiguity(name, trace, parse_head("L1.H4"), (2, 5), (0.4, 0.4), answers, made=False)


@each(("share", "most"), [(BELOW, False), (0.5, False), (ABOVE, True)])
def test_most_is_more_than_half(share: float, *, most: bool) -> None:
    assert HALF == 0.5
    assert mostly(share) == most
    assert ("finds its token by that store" in finds("L1.H4", share)) == most
    assert ("does not find its token by it alone" in finds("L1.H4", share)) == (not most)


@each(("weight", "seen"), [(0.1499, 1), (0.15, 2), (0.1501, 2)])
def test_a_place_is_looked_at_from_its_share_on(ambiguity: Ambiguity, weight: float, seen: int) -> None:
    assert SHARE == 0.15
    found = replace(ambiguity, weights=(0.6, weight))
    assert (found.seen, found.shown) == (seen, seen > 1)


@pytest.mark.parametrize(("rank", "predicted"), [(3, 2), (4, 2), (5, 1)])
def test_an_answer_is_predicted_among_the_first_five(ambiguity: Ambiguity, rank: int, predicted: int) -> None:
    assert TOP == 5
    found = replace(ambiguity, answers=(Answer(5, 0.3, 0), Answer(6, 0.1, rank)))
    assert (found.predicted, found.shown) == (predicted, predicted > 1)


@pytest.mark.parametrize(("rest", "shown"), [(0.25, False), (0.2501, True), (0.2499, False)])
def test_attention_divides_where_the_places_hold_more_than_half(
    ambiguity: Ambiguity, rest: float, *, shown: bool
) -> None:
    found = replace(ambiguity, weights=(0.25, rest))
    assert found.shown == shown
    step = several_answers(found)
    assert step["claim"].startswith("This is another prompt, “a b c a d e a”")
    assert ("Its attention divides" in step["claim"]) == shown
    assert ("It does not show this well" in step["claim"]) == (not shown)


@pytest.mark.parametrize(("half", "shown"), [(-1e-12, True), (0.0, False), (1e-12, False)])
def test_the_reader_s_prompt_is_walked_where_most_attention_is_on_what_followed(
    explorer: Explorer, circuit: Circuit, monkeypatch: pytest.MonkeyPatch, half: float, *, shown: bool
) -> None:
    name, trace = explorer.runs.make(ARTICLE)
    found = matched(circuit, name, trace, 10)
    assert found is not None
    assert found.weight == max(float(trace.pattern(head)[10, 4]) for head in circuit.heads)
    monkeypatch.setattr("loadstore.explorer.circuit.HALF", found.weight + half)
    assert found.shown == shown
    own = own_example(circuit, name, trace, 10)
    assert (own is not None) == shown
    assert own is None or own.own


def walked(explorer: Explorer, prompt: str, at: int) -> Document:
    return answered("walk", explorer, {"run": explorer.runs.make(prompt)[0], "at": at})(quiet)


def test_the_walk_is_on_the_reader_s_own_prompt_and_token(explorer: Explorer, circuit: Circuit) -> None:
    run = explorer.runs.make(ARTICLE)[0]
    found = walked(explorer, ARTICLE, 10)
    assert found["notice"] is None
    assert [step["place"]["run"] for step in found["steps"][:5]] == [run] * 5
    assert all(step["place"]["at"] == 10 for step in found["steps"][:5])
    on = int(explorer.runs.get(run).tokens[0, 4])
    assert all(step["place"]["predict"] == on for step in found["steps"][:5])
    assert found["steps"][0]["claim"].startswith("After “the dog sat”")
    assert found["steps"][4]["numbers"]["collapses"]
    assert len(found["steps"][4]["numbers"]["controls"]) == 8
    assert {str(head) for head in circuit.heads} == set(found["steps"][4]["numbers"]["attention"])


def test_a_token_without_an_earlier_one_is_told_and_leads_on(explorer: Explorer, circuit: Circuit) -> None:
    found = walked(explorer, ARTICLE, 9)
    assert found["notice"]["text"] == "No earlier ␣dog: induction has nothing to match at ␣dog·9."
    mine, other = found["notice"]["links"]
    assert mine["place"]["run"] == explorer.runs.make(ARTICLE)[0]
    for link in (mine, other):
        place = link["place"]
        assert place["screen"] == "walk"
        there = explorer.runs.get(place["run"])
        own = own_example(circuit, place["run"], there, place["at"])
        assert own is not None  # the link leads to a walk
    assert mine["text"] == f"{explorer.runs.get(mine['place']['run']).labels[mine['place']['at']]} of this prompt"
    assert found["steps"][0]["claim"].startswith(
        "This walk uses another prompt: “the cat sat on the mat. the dog sat”. After"
    )


def test_a_prompt_without_a_repeat_leads_to_one_that_has_it(explorer: Explorer, circuit: Circuit) -> None:
    found = walked(explorer, "one dog saw a house", 5)
    assert found["notice"]["text"].startswith("No earlier ␣house: induction has nothing to match")
    assert [link["text"] for link in found["notice"]["links"]] == ["“the cat sat on the mat. the dog sat”"]


def test_a_repeat_that_no_head_follows_is_told_with_its_number(explorer: Explorer, circuit: Circuit) -> None:
    name, trace = explorer.runs.make("the the the the the the the the")
    at = len(trace.labels) - 1
    weak = matched(circuit, name, trace, at)
    assert weak is not None
    assert not weak.shown
    found = walked(explorer, "the the the the the the the the", at)
    assert "occurred earlier, but" in found["notice"]["text"]
    assert f"{weak.star} puts" in found["notice"]["text"]


@pytest.mark.parametrize(("at", "cut"), [(WORDS - 1, False), (WORDS, False), (WORDS + 1, True)])
def test_a_long_prompt_is_quoted_by_its_last_words(explorer: Explorer, at: int, *, cut: bool) -> None:
    _, trace = explorer.runs.make(" a" * (WORDS + 4))
    told = text_before(trace, at + 1)  # past the token before all text
    assert told.startswith("… ") == cut
    assert told.count("a") == min(at, WORDS) + 1
