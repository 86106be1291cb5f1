"""Options for the prompt and the prediction to explain, shared by all commands that take them."""

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from loadstore.execution.trace import Trace
    from loadstore.model.weights import Weights

ARTICLE = "the cat sat on the mat. the dog sat on the log."
AT = "The token, by its text (' to', or '␣to·13' where it repeats) or its index from 0; -1 is the last."
PREDICT = "The prediction to explain, one token, most with a space in front (an id, if --ids)."
AGAINST = "The token to compare with: its logit is subtracted."

Prompt = Annotated[str | None, typer.Argument(help="The text.", show_default=f"'{ARTICLE}'")]
PromptOption = Annotated[str | None, typer.Option("--prompt", help="The same as PROMPT.", show_default=False)]
Ids = Annotated[
    str | None, typer.Option("--ids", help="Token ids such as '0,17,4' instead of a text.", show_default=False)
]
At = Annotated[str, typer.Option(help=AT)]
AtOfPrompt = Annotated[
    str | None,
    typer.Option(help=AT, show_default="the last; without a prompt the second ' sat', as in the article"),
]
Predict = Annotated[str | None, typer.Option(help=PREDICT, show_default="the first prediction")]
Counterfactual = Annotated[
    str | None,
    typer.Option(help="Another prompt of equal token length (ids, if --ids).", show_default=False),
]


def prompt_of(argument: str | None, option: str | None, ids: str | None) -> str | list[int] | None:
    """Return the prompt: a text, token ids, or None if none is given. Raises BadRequest for two of them."""
    from loadstore.errors import BadRequest

    given = [text for text in (argument, option) if text is not None]
    if len(set(given)) > 1 or (given and ids is not None):
        raise BadRequest("two prompts are given; keep one of PROMPT, --prompt and --ids")
    return as_ids(ids) if ids is not None else given[0] if given else None


def as_at(text: str) -> int | str:
    """Return a token of the prompt as for the Python functions: whole numbers are indices, anything else is text."""
    return int(text) if re.fullmatch(r"[+-]?\d{1,9}", text) else text


def resolved(
    weights: "Weights", prompt: str | list[int] | None, at: str | None, predict: str | None, ids: str | None
) -> tuple[int | None, int | str | None]:
    """The token index and the prediction named by two options, before the prompt has been run."""
    token, token_at = named(predict, ids, "--predict"), None if at is None else as_at(at)
    if not isinstance(token_at, str) and (predict is None or ids is not None):
        return token_at, token
    from loadstore.execution.positions import token_index
    from loadstore.execution.run import run

    trace = run(weights, ARTICLE if prompt is None else prompt)
    if token_at is not None:
        token_at = token_index(trace, token_at)
    return token_at, spaced(trace, -1 if token_at is None else token_at, token, "--predict")


def spaced(trace: "Trace", at: int, token: int | str | None, option: str) -> int | str | None:
    """Offer the same text with a leading space, if that is likelier.

    On a terminal, the user is asked. Otherwise the text is used unchanged, with a warning, unless it is not a token.

    Args:
        trace: A run of the prompt.
        at: The token after which the text is predicted.
        token: The token named by the option.
        option: The name of the option.

    Returns:
        The token to explain.

    Raises:
        BadRequest: Only the text with a space is one token, and there is no terminal to ask.
    """
    tokenizer = trace.weights.tokens
    if tokenizer is None or not isinstance(token, str) or not token or token[0].isspace():
        return token
    from loadstore.errors import BadRequest

    plain, other = _single(trace, token), _single(trace, f" {token}")
    p = trace.logits[at].double().softmax(-1)
    if other is None or other == plain or (plain is not None and p[plain] >= p[other]):
        return token
    label = tokenizer.label(other)
    less = f"{token[:40]!r} is not one token" if plain is None else f"{token[:40]!r} has p {float(p[plain]):.2g}"
    sentence = f"{option} {less}, and {label} has p {float(p[other]):.2g}"
    if sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty():
        return f" {token}" if typer.confirm(f"{sentence}. Explain {label}?", default=True, err=True) else token
    if plain is None:
        raise BadRequest(f"{sentence}; write {option} ' {token[:40]}'")
    print(f"loadstore: {sentence}; write {option} ' {token[:40]}' if you mean that", file=sys.stderr)
    return token


def _single(trace: "Trace", text: str) -> int | None:
    """The id of a text that is one token; None for other texts."""
    from loadstore.errors import BadPrompt

    try:
        return None if trace.weights.tokens is None else trace.weights.tokens.one(text)
    except BadPrompt:
        return None


def named(text: str | None, ids: str | None, option: str) -> str | int | None:
    """Return the token named by an option: its text, its id if the prompt is ids, or None. Raises BadRequest."""
    if text is None or ids is not None:
        return None if text is None else _one_id(text, option)
    return " " + text[1:] if text.startswith("␣") else text


def _one_id(text: str, option: str) -> int:
    from loadstore.errors import BadRequest

    numbers = as_ids(text, option)
    if len(numbers) != 1:
        raise BadRequest(f"{option} {text[:40]!r}: expected one id with --ids, such as 17")
    return numbers[0]


def as_ids(text: str, option: str = "--ids") -> list[int]:
    """Read ``0,17,4``. Raises BadRequest."""
    from loadstore.errors import BadRequest

    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise BadRequest(f"{option} {text[:40]!r}: expected whole numbers between commas, such as 0,17,4") from None
