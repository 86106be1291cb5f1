"""The two approaches to a model: that of the article for its small model, and that for a large one."""

from loadstore.figures.subject.close_look import notable
from loadstore.figures.subject.prompt import Prompt, ask
from loadstore.figures.subject.story import Scope, Story
from loadstore.model.weights import Weights


def article_story(
    weights: Weights,
    prompt: Prompt | None = None,
    at: int | None = None,
    predict: int | str | None = None,
    against: int | str | None = None,
    *,
    quick: bool = False,
) -> Story:
    """Run a prompt, for figures of all wires and of layer 0's previous-token head.

    Arguments and errors are those of ``ask``; ``quick`` leaves out slow results.
    """
    return Story(weights, *ask(weights, prompt, at, predict, against), quick=quick)


def large_story(
    weights: Weights,
    prompt: Prompt | None = None,
    at: int | None = None,
    predict: int | str | None = None,
    against: int | str | None = None,
    *,
    quick: bool = False,
) -> Story:
    """Run a prompt, for figures of the notable heads and their wires.

    Arguments and errors are those of ``ask``; ``quick`` leaves out slow results.
    """
    scope = Scope(previous=_below_induction, scored=lambda story: [f"{head}.*" for head in notable(story)])
    return Story(weights, *ask(weights, prompt, at, predict, against), scope=scope, quick=quick)


def _below_induction(story: Story) -> range:
    """The layers below the induction head, or all layers without one."""
    layers = story.weights.architecture.n_layers if story.candidate is None else story.candidate.layer
    return range(max(1, layers))
