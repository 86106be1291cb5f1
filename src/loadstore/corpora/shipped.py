"""The shipped corpus for models that can read it."""

from loadstore.corpora.corpus import Corpus, read_corpus
from loadstore.errors import BadPrompt
from loadstore.model.weights import Weights


def shipped(weights: Weights, length: int, tokens: int | None = None) -> Corpus | None:
    """The shipped corpus; None for a model without a tokenizer, or with one that does not know all characters.

    Args:
        weights: The model, such as one that was trained on made-up words.
        length: The longest piece of a document.
        tokens: Where to stop adding documents.
    """
    if weights.tokens is None:
        return None
    try:
        return read_corpus(weights, length=length, tokens=tokens)
    except BadPrompt:
        return None
