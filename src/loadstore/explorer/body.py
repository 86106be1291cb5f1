"""The body of a question: one JSON object that is not nested deeply. Tests: tests/explorer/test_abuse.py."""

import json
import re

DEPTH = 8  # maximum nesting of brackets in a question
TEXTS = re.compile(rb'"(?:[^"\\]|\\.?)*+"?', re.DOTALL)
"""Strings of a JSON document, whose brackets do not nest; an unterminated one runs to the end, for linear time."""


def object_of(body: bytes) -> dict[str, object] | None:
    """A JSON object that is not nested deeply; None for anything else."""
    deep = most = 0
    for byte in TEXTS.sub(b"", body):
        deep += (byte in b"[{") - (byte in b"]}")
        most = max(most, deep)
    if most > DEPTH:
        return None
    try:
        value = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _no_number(name: str) -> float:
    raise ValueError(name)
