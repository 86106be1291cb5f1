"""The two ways to look at a model: as the article looks at its small one, and at a large one."""

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
    """Run a prompt, to look at all wires and at layer 0's previous-token head.

    Arguments and errors are those of ``ask``; ``quick`` leaves out what takes long.
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
    """Run a prompt, to look at the notable heads and their wires.

    Arguments and errors are those of ``ask``; ``quick`` leaves out what takes long.
    """
    scope = Scope(previous=_below_induction, scored=lambda story: [f"{head}.*" for head in notable(story)])
    return Story(weights, *ask(weights, prompt, at, predict, against), scope=scope, quick=quick)


def _below_induction(story: Story) -> range:
    """The layers below the induction head, or all where there is none."""
    layers = story.weights.architecture.n_layers if story.candidate is None else story.candidate.layer
    return range(max(1, layers))
