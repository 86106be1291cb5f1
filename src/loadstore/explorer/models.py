"""The models that a page may open, with example sentences, and opening one. Only listed names are accepted."""

from collections.abc import Callable

from loadstore.errors import BadRequest
from loadstore.explorer.current import Current
from loadstore.explorer.examples import examples_of
from loadstore.explorer.requests import ModelsRequest, OpenRequest
from loadstore.explorer.state import Document
from loadstore.progress import Progress

STEPS = 3
"""Steps of opening a model: load it, run its first prompt, show it."""


def models(current: Current, ask: ModelsRequest) -> Document:
    """The models by name, the current one, and sentences for each."""
    shown = current.now.explorer.weights.name
    return {
        "models": [
            {"name": name, "shown": name == shown, "examples": list(examples_of(name))} for name in current.openers
        ]
    }


def open_model(current: Current, ask: OpenRequest) -> Callable[[Progress], Document]:
    """Open a model by name, on one of its sentences or on its first prompt. Raises BadRequest for others."""
    make, sentences = current.opener(ask.model), examples_of(ask.model)
    if ask.example is not None and not 0 <= ask.example < len(sentences):
        raise BadRequest(f"example: {ask.example}, and {ask.model} has sentences 0 to {len(sentences) - 1}")
    prompt = None if ask.example is None else sentences[ask.example]

    def opened(progress: Progress) -> Document:
        progress(0, STEPS)
        try:
            explorer = make(prompt)
        except (OSError, MemoryError) as error:
            raise BadRequest(f"{ask.model} cannot be opened here ({type(error).__name__}: {error})") from None
        progress(1, STEPS)
        explorer.warm()
        progress(2, STEPS)  # raises if the client has gone; the current model then stays
        now = current.show(explorer)
        return {"name": explorer.weights.name, "number": now.number}

    return opened
