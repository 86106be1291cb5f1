"""Options that name the prediction to explain, the same in every command that takes them."""

from typing import Annotated

import typer

ARTICLE = "the cat sat on the mat. the dog sat on the log."
AT = "Index of the token whose next token is predicted, from 0; negative ones count from the end."
PREDICT = "The prediction to explain, one token (an id, if --ids)."
AGAINST = "The token to compare with: its logit is subtracted."

At = Annotated[int, typer.Option(help=AT)]
AtOfPrompt = Annotated[
    int | None,
    typer.Option(help=AT, show_default="the last; without a prompt the second ' sat', as in the article"),
]
Predict = Annotated[str | None, typer.Option(help=PREDICT, show_default="the first prediction")]


def named(text: str | None, ids: str | None, option: str) -> str | int | None:
    """Return a token that an option names: its text, its id where the prompt is ids, or None. Raises BadRequest."""
    return text if text is None or ids is None else as_ids(text, option)[0]


def as_ids(text: str, option: str = "--ids") -> list[int]:
    """Read ``0,17,4``. Raises BadRequest."""
    from loadstore.errors import BadRequest

    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise BadRequest(f"{option} {text[:40]!r}: expected whole numbers between commas, such as 0,17,4") from None
