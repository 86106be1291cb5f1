"""The text for traffic in a report: the first documents of the shipped corpus, or the prompt itself."""

from loadstore.corpora.corpus import LEAST, read_corpus
from loadstore.corpora.shipped import shipped
from loadstore.errors import Undefined
from loadstore.execution.trace import Trace
from loadstore.model.weights import Weights
from loadstore.wire_traffic.moments import Moments, moments

TOKENS, LENGTH = 512, 64  # of the corpus, and of its pieces


def stored_on_text(weights: Weights, trace: Trace) -> Moments:
    """Moments of the first documents of the shipped corpus; of the prompt, if no tokenizer can read the corpus.

    Args:
        weights: The model.
        trace: A run of the prompt.

    Raises:
        Undefined: The prompt is one token, and there is no other text.
    """
    corpus = shipped(weights, min(LENGTH, weights.architecture.context), TOKENS)
    if corpus is None:
        if len(trace.labels) < LEAST:
            raise Undefined("one token has no other to load from")
        ids = [trace.tokens[0].tolist()]
        corpus = read_corpus(weights, ids, length=weights.architecture.context, tokens=TOKENS)
    return moments(weights, corpus)
