"""Generated tasks: the same for the same seed, of equal lengths and single tokens, with words of their own a split."""

import re
from dataclasses import replace

from each import each
from hostile import refusal
from speaking import speaking
from tiny import Kind, Sizes, tiny

import loadstore as ls
from loadstore.circuits.places import filled, named_places, numbered
from loadstore.circuits.splits import SPLITS
from loadstore.circuits.tasks.table import TASKS
from loadstore.errors import BadRequest, Undefined
from loadstore.model.target import target_id

MODEL = speaking()


@each("name", list(TASKS))
def test_a_generated_task_keeps_its_rules(name: str) -> None:
    task, recipe = ls.task(MODEL, name, seed=3), TASKS[name]
    assert (len(task.find), len(task.choose), len(task.judge)) == (24, 8, 32)
    assert task.name == name
    assert (task.seed, task.model) == (3, MODEL)
    words = {split: {w for e in task.examples if e.split == split for w in e.fillers} for split in SPLITS}
    assert all(words.values())
    assert not words["find"] & words["choose"]
    assert not (words["find"] | words["choose"]) & words["judge"]
    pairs = [(example.clean, example.counterfactual) for example in task.examples]
    assert len(set(pairs)) == 64
    for example in task.examples:
        ids, others = (
            MODEL.tokens.encode(text) if isinstance(text, str) else list(text)
            for text in (example.clean, example.counterfactual)
        )
        assert len(ids) == len(others) == len(example.places)
        assert ids != others
        assert len(set(example.places)) == len(example.places)
        assert example.places[-1] == "end"
        assert example.template in recipe.templates
        good, bad = ({target_id(MODEL, token) for token in tokens} for tokens in (example.good, example.bad))
        assert good
        assert bad
        assert not good & bad
    if len(recipe.templates) > 2:
        seen = {e.template for e in task.examples if e.split != "judge"}
        assert not seen & {e.template for e in task.examples if e.split == "judge"}
        assert seen | {e.template for e in task.examples if e.split == "judge"} == set(recipe.templates)


@each("name", list(TASKS))
def test_it_is_the_same_for_the_same_seed_alone(name: str) -> None:
    one, again, other = (ls.task(MODEL, name, pairs=16, seed=seed).examples for seed in (5, 5, 6))
    assert one == again
    assert one != other


def test_the_indirect_object_flips_with_the_giver_and_its_places_are_named() -> None:
    for example in ls.task(MODEL, "ioi", pairs=16).examples:
        assert isinstance(example.clean, str)
        io, subject = (str(token).strip() for token in (*example.good, *example.bad))
        assert example.clean.count(subject) == 2
        assert isinstance(example.counterfactual, str)
        assert example.counterfactual.count(io) == 2
        ids = MODEL.tokens.encode(example.clean)
        place = {name: MODEL.tokens.text(token) for name, token in zip(example.places, ids, strict=True)}
        assert (place["IO"], place["S1"], place["S2"], place["end"]) == (io, subject, subject, "to")


def test_years_adapt_to_how_digits_are_split() -> None:
    for digits in ("one", "two"):
        for example in ls.task(speaking(digits), "greater_than", pairs=8).examples:
            century, year = re.findall(r"(\d\d)(\d\d)\b", str(example.clean))[0]
            assert f"{century}01" in str(example.counterfactual)
            assert str(example.clean).endswith(f" {century}")
            if digits == "one":
                assert [*example.bad, year[0], *example.good] == [str(n) for n in range(10)]
            else:
                assert [*example.bad, *example.good] == [f"{n:02}" for n in range(2, 100)]
                assert example.bad[-1] == year
    refusal(lambda: ls.task(speaking("whole"), "greater_than"), BadRequest, "greater_than gives 0 pairs of 64")


def test_induction_exchanges_the_successor_before_it_is_asked_for() -> None:
    model = tiny(Kind("learned", "layer", True))  # vocabulary 17, context 10, no tokenizer
    for example in ls.task(model, "induction", pairs=8).examples:
        ids, others = list(example.clean), list(example.counterfactual)
        assert len(ids) <= 10
        asked = ids[-1]
        assert others[-1] == asked
        assert ids[ids.index(asked) + 1] == example.good[0]
        assert others[others.index(asked) + 1] == example.bad[0]
        assert sorted(ids) == sorted(others)
        assert example.places[ids.index(asked)] == "A"
        assert example.places[ids.index(asked) + 1] == "B"


def test_what_a_model_cannot_be_asked_is_refused_with_a_number_or_a_reason() -> None:
    bare = tiny(Kind("learned", "layer", True))
    refusal(lambda: ls.task(bare, "ioi"), Undefined, "no tokenizer")
    for sizes, count in ((Sizes(vocab=5), 24), (Sizes(context=5), 0)):
        poor = tiny(Kind("learned", "none", False, sizes=sizes))
        message = refusal(lambda poor=poor: ls.task(poor, "induction"), BadRequest, "under the vocabulary of tiny")
        assert message.startswith(f"induction gives {count} pairs of 64")
    few = tiny(Kind("learned", "none", False, sizes=Sizes(vocab=12)))
    assert len(ls.task(few, "induction", pairs=16).judge) == 8
    message = refusal(lambda: ls.task(few, "induction", pairs=1000), BadRequest, "pairs of 1000", "ask for fewer pairs")
    assert not message.startswith("induction gives 0 ")
    refusal(lambda: ls.task(MODEL, "foo"), BadRequest, "there is no task 'foo'; tasks are ioi, greater_than")
    refusal(lambda: ls.task(MODEL, "ioi", pairs=2), BadRequest, "expected a number from 3 to 10,000")
    refusal(lambda: ls.task(MODEL, "foo.jsonl", pairs=8), BadRequest, "pairs=8 is for generated tasks")


def test_without_bos_the_places_begin_with_the_first_word() -> None:
    bare = replace(MODEL, tokens=replace(MODEL.tokens, bos=None))
    text, spans = filled("The {a} near the {b}", {"a": "key", "b": "two words"})
    assert text == "The key near the two words"
    assert named_places(bare, text, spans) == ("The", "a", "near", "the", "b", "end")
    assert named_places(MODEL, text, spans) == ("BOS", "The", "a", "near", "the", "b", "end")
    assert numbered(["the", "a", "the", "the"]) == ("the", "a", "the (2)", "the (3)")
