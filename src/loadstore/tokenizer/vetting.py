"""Checks a tokenizer.json before use: only listed parts are allowed, and their growth and work are bounded.

Each part that rewrites text has a bound on the bytes that it makes of one byte. The product of these bounds and the
length of the text bounds the memory. ``patterns.degree`` bounds the time.
"""

from typing import Any, cast

from loadstore.quote import quote
from loadstore.tokenizer.tokenparts import (
    DECODERS,
    NORMALIZERS,
    PRE_TOKENIZERS,
    PROCESSORS,
    Part,
    Parts,
    as_object,
    check_whole,
    list_in,
    object_in,
)
from loadstore.tokenizer.work import Unbounded

MOST_GROWTH = 64
MOST_BYTES = 1 << 24  # bytes of a text times its growth; each byte may become a token of 400 bytes
MOST_SLOW = 50_000  # characters of a text whose split may take quadratic time
MOST_ADDED, MOST_NAME, MOST_PIECE, MOST_WORD = 1 << 16, 4096, 256, 1000
MOST_NAMES = 1 << 22  # characters of all added tokens together; each takes about twenty bytes in an automaton
MODELS = ("BPE", "WordLevel", "WordPiece", "Unigram")


def vet(facts: Part) -> int:
    """Check the content of a tokenizer.json.

    Args:
        facts: The parsed file.

    Returns:
        The length in bytes of the longest text that it may be given.

    Raises:
        Unbounded: A part is not listed or exceeds its bound; the message names it.
    """
    _model(object_in(facts, "model"))
    added = list_in(facts, "added_tokens")
    vet_names([str(as_object(token, "added_tokens").get("content")) for token in added])
    parts = Parts()
    growth = parts.growth(facts.get("normalizer"), "normalizer", "normalizers", NORMALIZERS)
    growth *= parts.growth(facts.get("pre_tokenizer"), "pre_tokenizer", "pretokenizers", PRE_TOKENIZERS)
    backwards = parts.growth(facts.get("decoder"), "decoder", "decoders", DECODERS)
    parts.growth(facts.get("post_processor"), "post_processor", "processors", PROCESSORS)
    if max(growth, backwards) > MOST_GROWTH:
        raise Unbounded(f"its parts can make a text {max(growth, backwards):,} times longer, expected {MOST_GROWTH}")
    return min(MOST_BYTES // growth, MOST_SLOW if parts.slow else MOST_BYTES)


def vet_names(names: list[str]) -> None:
    """Bound the added tokens, which are all searched for at once. Raises Unbounded."""
    total, longest = sum(map(len, names)), max(map(len, names), default=0)
    if len(names) > MOST_ADDED or longest > MOST_NAME or total > MOST_NAMES:
        raise Unbounded(
            f"it adds {len(names):,} tokens, the longest of {longest:,} and all of {total:,} characters; expected at "
            f"most {MOST_ADDED:,}, {MOST_NAME:,} and {MOST_NAMES:,}"
        )


def _model(model: Part) -> None:
    """Check the model; older files do not name its kind."""
    kind = model.get("type", "BPE")
    if not isinstance(kind, str) or kind not in MODELS:
        raise Unbounded(f"its model '{quote(kind, 40)}' is not supported; supported are {', '.join(MODELS)}")
    if model.get("dropout"):
        raise Unbounded("its model drops merges at random (dropout), so the tokens of a text vary at random")
    if "max_input_chars_per_word" in model:
        check_whole(model, "max_input_chars_per_word", 0, MOST_WORD)
    vocab: object = model.get("vocab")
    scored = isinstance(vocab, list)  # Unigram: each piece with its score
    rows = cast("list[Any]", vocab) if scored else list(as_object(vocab, "vocab"))
    names = [cast("list[Any]", row)[0] if isinstance(row, list) and row else row for row in rows]
    longest = max((len(name) for name in names if isinstance(name, str)), default=0)
    if longest > (most := MOST_PIECE if scored else MOST_NAME):
        raise Unbounded(f"its vocabulary has a token of {longest:,} characters, expected at most {most:,}")
