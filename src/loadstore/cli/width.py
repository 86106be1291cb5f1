"""Fits the lines of a program to the width of a terminal: long lines continue below, indented."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

PROGRAM = re.compile(r"(\S+ +| +)(target|LOAD|ADDR|STORE)\S* +\S+ +")
NARROW = 0.5  # the largest indent as a fraction of the width


def fitted(text: "Text", width: int) -> "Text":
    """Break the lines of a text at spaces so that each fits, and indent continuation lines; styles are kept.

    Args:
        text: Lines; those of a program have their operands in a column.
        width: Columns of the terminal, at least 20.
    """
    from rich.text import Text

    lines: list[Text] = []
    for line in text.split("\n", allow_blank=True):
        indent, first = _indent(line.plain, width), True
        while len(line.plain) > (room := width if first else width - indent):
            space = line.plain.rfind(" ", 1, room + 1)
            end = space if space > (indent if first else 0) else room
            lines.append(_indented(line[:end], 0 if first else indent))
            line, first = line[end:], False
            line = line[len(line.plain) - len(line.plain.lstrip(" ")) :]
        lines.append(_indented(line, 0 if first else indent))
    return Text("\n").join(lines)


def _indent(line: str, width: int) -> int:
    """The column of a program's operands, or two columns if that leaves too little room."""
    match = PROGRAM.match(line)
    return match.end() if match and match.end() <= width * NARROW else 2


def _indented(line: "Text", indent: int) -> "Text":
    from rich.text import Text

    return Text(" " * indent).append_text(line)
