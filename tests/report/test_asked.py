"""The page explains the question that was asked: by default the last token's likeliest, else what options name."""

import subprocess

import pytest
from each import each
from served import builtin
from tiny import KINDS, tiny

import loadstore as ls
from loadstore.decomposition.question import main_head, question
from loadstore.figures.subject.prompt import ARTICLE
from loadstore.figures.subject.stories import article_story
from loadstore.report.asked import answer, command, quoted
from loadstore.report.page import report_document
from loadstore.report.parts import build_all, counted, drawn
from loadstore.report.sections import section
from loadstore.views.figures import Figure, Page


@pytest.fixture(scope="module")
def model() -> ls.Weights:
    return builtin()


def figures(document: Page) -> dict[str, Figure]:
    return {figure.number: figure for part in document.sections for figure in part.figures}


def test_without_a_prompt_it_is_the_articles_question(model: ls.Weights) -> None:
    story = article_story(model)
    assert (story.prompt, story.after, story.predicted, story.main) == (ARTICLE, "␣sat·10", "␣on", ls.Head(1, 4))
    assert "This is the question that the article asks" in answer(story, default=True)


def test_with_a_prompt_it_is_the_last_tokens_likeliest(model: ls.Weights) -> None:
    story = article_story(model, ARTICLE)
    assert story.asked == question(ls.run(model, ARTICLE, record=True))
    assert story.after == ".·14"
    assert "article" not in answer(story)


def test_at_predict_and_against_change_every_figure_that_explains(model: ls.Weights) -> None:
    told: list[tuple[str, int, int, float]] = []
    document = report_document(model, at=4, predict=" the", against=" a", progress=lambda *now: told.append(now))
    trace = ls.run(model, ARTICLE, record=True)
    asked = question(trace, 4, " the", " a")
    head, found = str(main_head(trace, asked)), figures(document)
    assert document.lead.startswith("After ␣on·4 the model ")
    assert "␣the" in found["Prediction"].claim
    assert "␣a" in found["Prediction"].claim
    assert found["Prediction"].title == "Who predicts ␣the after ␣on·4"
    assert found["Program"].title == "What made ␣the after ␣on·4"
    for name in ("5", "Three addresses", "Evidence"):
        assert f"{head}" in found[name].claim
        assert "␣the after ␣on·4" in found[name].claim
    assert head in found["6"].claim
    assert "--at 4 --predict ' the' --against ' a'" in document.facts[0][1]
    assert list(dict.fromkeys(number for _, number, _, _ in told)) == list(range(1, told[-1][1] + 1))
    shares = [share for _, _, _, share in told]
    assert shares == sorted(shares)
    assert shares[0] == 0


def test_an_unlikely_prediction_is_called_that(model: ls.Weights) -> None:
    told = answer(article_story(model, predict=" cat"))
    story = article_story(model, predict=" cat")
    assert f"rank {story.asked.rank + 1:,}; the likeliest token is ␣on (.99)" in told
    assert "below that of ␣on" in told


def test_the_command_of_a_page_asks_the_same_question(model: ls.Weights) -> None:
    prompt = "it's a “test”\nof ids"
    story = article_story(model, prompt, at=2)
    line = command(story, "some model", ["--bos", "no"])
    assert line.isprintable()
    split = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True).stdout
    words = split.decode().split("\0")[:-1]
    assert words[:3] == ["loadstore", "report", "some model"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options["--prompt"] == prompt
    assert options["--bos"] == "no"
    again = article_story(model, prompt, int(options["--at"]), options["--predict"], options["--against"])
    assert again.asked == story.asked
    ids = article_story(tiny(KINDS[0]).map(lambda t: t.float()), [1, 2, 3])
    assert "--ids 1,2,3 --at 2 --predict" in command(ids)


def test_a_token_that_is_a_part_of_a_character_is_named_by_its_id(model: ls.Weights) -> None:
    assert model.tokens is not None
    part = next(token for token in range(model.architecture.vocab) if "\ufffd" in model.tokens.text(token))
    line = command(article_story(model, "the cat", predict=part))
    assert f"--predict {part} " in line
    assert "--ids 0," in line
    assert "\ufffd" not in line


@each(
    ("word", "expected"),
    [
        ("plain", "plain"),
        (" on", "' on'"),
        ("it's", "'it'\"'\"'s'"),
        ("\n", "$'\\n'"),
        ("a'\x1b", "$'a\\'\\U0000001b'"),
    ],
)
def test_words_are_quoted_for_a_shell_without_control_characters(word: str, expected: str) -> None:
    assert quoted(word) == expected
    assert quoted(word).isprintable()


def test_parts_tell_their_progress() -> None:
    told: list[tuple[str, int, int, float]] = []
    second = section("second", "Second", "", [])
    parts = [
        counted("first", 3.0, lambda steps: [steps(step, 3) for step in range(3)]),
        drawn("second", 1.0, lambda: second),
        drawn("third", 4.0, lambda: None),
    ]
    assert build_all(parts, lambda *now: told.append(now)) == [second]
    assert told == [
        *(("first", 1, 3, share) for share in (0.0, 0.0, 0.125, 0.25)),
        ("second", 2, 3, 0.375),
        ("third", 3, 3, 0.5),
    ]
