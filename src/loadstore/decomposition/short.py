"""Formats numbers for a line of text."""

import math


def short(value: float) -> str:
    """``.71``, ``1.0``, ``−.12``; ``n/a`` for NaN."""
    if math.isnan(value):
        return "n/a"
    text = f"{abs(value):.2f}"
    text = text[1:] if text.startswith("0") else text
    return f"−{text}" if value < 0 and float(f"{value:.2f}") != 0 else text


def signed(value: float) -> str:
    """``+6.1``, ``−5.8``."""
    return f"{value:+.1f}".replace("-", "−")
