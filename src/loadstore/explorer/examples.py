"""Example sentences, for the built-in model and for models of real text; the first is a model's initial prompt."""

from loadstore.checkpoints.library import BUILTIN
from loadstore.figures.subject.prompt import ARTICLE

OWN = (
    ARTICLE,
    "the dog ran to the park. the cat sat. the dog ran",
    "the cat sat on the mat. the cat sat on the log. the cat sat on the",
    "one two three four. one two three",
)
REAL = (
    "When Mary and John went to the store, John gave a drink to",
    "The war lasted from the year 1732 to the year 17",
    "The capital of France is Paris, and the capital of Italy is",
    ARTICLE,
)


def examples_of(name: str) -> tuple[str, ...]:
    """The sentences for the model with that name."""
    return OWN if name == BUILTIN else REAL
