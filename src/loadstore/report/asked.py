"""The question of a page in words, and the command that asks another one."""

import shlex
from collections.abc import Sequence

from loadstore.errors import LoadstoreError
from loadstore.figures.subject.story import Story
from loadstore.figures.words import number
from loadstore.tokenizer.tokens import Tokens

ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def answer(story: Story, *, default: bool = False) -> str:
    """Return the question and its answer as the first sentences of a page.

    Args:
        story: The model, the prompt and the question.
        default: Whether no prompt was given, so that the question is the article's own.
    """
    asked, added = story.asked, float(story.parts.sel(writer=str(story.main)).sum())
    logits = story.trace.logits[asked.at].double()
    beside, difference = story.text_of(asked.against), number(abs(float(logits[asked.predict] - logits[asked.against])))
    second = f"{beside} ({number(float(logits.softmax(-1)[asked.against]))})"
    if asked.rank == 0:
        first = f"After {story.after} the model predicts {story.predicted} ({number(asked.probability)})."
    else:
        likeliest = int(logits.argmax())
        first = (
            f"After {story.after} the model gives {story.predicted} the probability {number(asked.probability)}, "
            f"rank {asked.rank + 1:,}; the likeliest token is {story.text_of(likeliest)} "
            f"({number(float(logits.softmax(-1)[likeliest]))})."
        )
    side = "above" if float(logits[asked.predict]) >= float(logits[asked.against]) else "below"
    why = f" Its logit is {difference} {side} that of {second}; of all heads {story.main} adds most to this difference"
    own = " This is the question that the article asks about this sentence." if default else ""
    return f"{first}{own}{why} ({number(added)})."


def command(story: Story, model: str | None = None, options: Sequence[str] = ()) -> str:
    """Return the command that writes this page; other values of --at, --predict or --against change the question.

    Args:
        story: The model, the prompt and the question.
        model: The model as named on the command line; the model's name if None.
        options: Other options of the command, such as ``--bos no``.
    """
    asked, tokens = story.asked, story.weights.tokens
    targets = {"--predict": asked.predict, "--against": asked.against}
    words = ["loadstore", "report", model or story.weights.name]
    if tokens is not None and isinstance(story.prompt, str) and all(_is_one(tokens, t) for t in targets.values()):
        words += ["--prompt", story.prompt, "--at", str(asked.at)]
        words += [word for option, token in targets.items() for word in (option, tokens.text(token))]
    else:
        words += ["--ids", ",".join(map(str, story.trace.tokens[0].tolist())), "--at", str(asked.at)]
        words += [word for option, token in targets.items() for word in (option, str(token))]
    return " ".join(quoted(word) for word in [*words, *options])


def _is_one(tokens: Tokens, token: int) -> bool:
    """Return whether encoding a token's text gives the token; false for part of a character."""
    try:
        return tokens.one(tokens.text(token)) == token
    except LoadstoreError:
        return False


def quoted(word: str) -> str:
    """Quote a word for a POSIX shell; unprintable characters become escapes of ``$'…'``."""
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(ESCAPES.get(c) or (c if c.isprintable() else f"\\U{ord(c):08x}") for c in word) + "'"
