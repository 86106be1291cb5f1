"""Where random tokens do not fit, and an error needs two sequences: at, just below and just above."""

import numpy as np
import pytest
from hostile import small
from tiny import Kind, Sizes, tiny

from loadstore.decomposition.question import question
from loadstore.errors import BadRequest, Undefined
from loadstore.execution.run import run
from loadstore.heads.roles import _mean_and_error, random_repeats, random_tokens

MODEL = tiny(Kind("learned", "none", False, sizes=Sizes(vocab=7, context=6)))


@pytest.mark.parametrize("length", [1, 6])
def test_random_tokens_are_from_one_to_what_the_context_holds(length: int) -> None:
    assert random_tokens(MODEL, 2, length).shape == (2, length)


@pytest.mark.parametrize("length", [0, 7])
def test_none_and_more_than_the_context_holds_are_refused(length: int) -> None:
    with pytest.raises(BadRequest, match=f"{length} distinct tokens do not fit"):
        random_tokens(MODEL, 2, length)


def test_distinct_tokens_are_as_many_as_the_vocabulary() -> None:
    model = tiny(Kind("learned", "none", False, sizes=Sizes(vocab=4, context=6)))
    assert sorted(random_tokens(model, 1, 4)[0].tolist()) == [0, 1, 2, 3]
    with pytest.raises(BadRequest, match="vocabulary 4"):
        random_tokens(model, 1, 5)


def test_a_bos_counts_in_the_length_and_not_among_the_tokens() -> None:
    model = small()
    assert model.tokens is not None
    bos, vocab = model.tokens.bos, model.architecture.vocab
    ids = random_tokens(model, 1, min(vocab, model.architecture.context))[0].tolist()
    assert ids[0] == bos
    assert bos not in ids[1:]
    with pytest.raises(BadRequest):
        random_tokens(model, 1, 1)


@pytest.mark.parametrize(("period", "fits"), [(0, False), (1, True), (3, True), (4, False)])
def test_a_period_fits_twice(period: int, *, fits: bool) -> None:
    if fits:
        assert random_repeats(MODEL, 2, period).shape == (2, 2 * period)
    else:
        with pytest.raises(BadRequest, match=f"period {period} does not fit twice"):
            random_repeats(MODEL, 2, period)


def test_a_mean_needs_one_sequence_and_an_error_two() -> None:
    nan = np.nan
    mean, error = _mean_and_error(np.array([[nan, 0.5, 0.5, 0.1], [nan, nan, 0.7, 0.2], [nan, nan, nan, 0.6]]))
    assert np.isnan(mean).tolist() == [True, False, False, False]
    assert np.isnan(error).tolist() == [True, True, False, False]
    assert mean[1:] == pytest.approx([0.5, 0.6, 0.3])
    assert error[2] == pytest.approx(0.1)


def test_a_question_needs_two_tokens_of_the_vocabulary() -> None:
    one, two = (tiny(Kind("none", "none", False, sizes=Sizes(vocab=vocab))) for vocab in (1, 2))
    with pytest.raises(Undefined, match="has one token: there is no prediction to explain"):
        question(run(one, [0, 0], record=True))
    assert {question(run(two, [0, 1], record=True)).predict, question(run(two, [0, 1], record=True)).against} == {0, 1}
