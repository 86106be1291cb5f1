"""Names the places of tokens in a template: the name of a field, or else the token's own text."""

from collections import Counter
from collections.abc import Mapping, Sequence
from string import Formatter
from typing import TypeAlias

from loadstore.model.weights import Weights
from loadstore.tokenizer.tokens import require

Span: TypeAlias = tuple[int, int, str]  # start and end (exclusive) in characters, and the field's name


def filled(template: str, fields: Mapping[str, str]) -> tuple[str, list[Span]]:
    """Fill the fields ``{name}`` of a template.

    Returns:
        The text and the span of each field.
    """
    text, spans = "", list[Span]()
    for literal, field, _, _ in Formatter().parse(template):
        text += literal
        if field is not None:
            spans.append((len(text), len(text) + len(fields[field]), field))
            text += fields[field]
    return text, spans


def named_places(weights: Weights, text: str, spans: Sequence[Span]) -> tuple[str, ...]:
    """The name of each token's place: "BOS", the field it overlaps, "end" for the last, else the token's text.

    Repeated names are numbered: ``the``, ``the (2)``.
    """
    tokens = require(weights.tokens, weights.name, weights.untokenised)
    encoded = tokens.tokenizer.encode(text, add_special_tokens=False)
    names = [] if tokens.bos is None else ["BOS"]
    for token, (start, end) in zip(encoded.ids, encoded.offsets, strict=True):
        field = next((name for first, last, name in spans if start < last and first < end), None)
        names.append(tokens.label(token).strip("␣") or "␣" if field is None else field)
    names[-1] = "end"
    return numbered(names)


def numbered(names: Sequence[str]) -> tuple[str, ...]:
    """The same names, with a number on every repetition."""
    seen = Counter[str]()
    unique: list[str] = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(unique)
