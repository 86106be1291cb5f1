"""Converts parser errors of the command line to one line with a suggestion."""

import re

from typer import Abort, BadParameter

from loadstore.cli.renamed import NOW

_Refused = BadParameter.__mro__[2]  # ClickException, which typer may vendor and does not export


def refusal(error: Exception) -> str:
    """Return the line for a parser error; the help if no command was given; empty for any other error."""
    if isinstance(error, Abort):
        return "loadstore: nothing was done, as no answer was given"
    if not isinstance(error, _Refused):
        return ""
    sentence: str = error.format_message()  # pyright: ignore[reportAttributeAccessIssue] of ClickException
    if "\n" in sentence:  # the help text itself
        return sentence
    context = getattr(error, "ctx", None)
    command = "" if context is None or context.parent is None else f" {context.info_name}"
    unknown = re.match(r"(No such \w+:? '?([\w-]+)'?)", sentence)
    if unknown and unknown[2] in NOW:
        sentence = f"{unknown[1]}. {NOW[unknown[2]]}"
    end = " See" if sentence.endswith("?") else "; see"
    return f"loadstore: {sentence.rstrip('.')}{end} loadstore{command} --help"
