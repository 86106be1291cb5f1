r"""Text from files, models and users, made safe to print: hidden characters are written as escapes.

Hidden characters are the control characters (C0, C1, DEL), bidirectional controls, zero-width and other format
characters, tags, fillers that draw nothing, separators of lines and paragraphs, private-use and noncharacters, and lone
surrogates. They become ``\x1b``, ``\u202e`` or ``\U000e0041``, the escapes of Python. Nothing else changes: letters
of every script, combining marks and emoji remain. Three kinds of hidden characters remain where a script needs them:

- joiners (U+200C, U+200D) between letters of scripts that join, and U+200D between two emoji
- a single variation selector after an emoji, an ideograph or a Mongolian letter
- U+FE0F in a keycap (digit, U+FE0F, U+20E3)

Emoji flags of regions (a black flag and tags) are written with escapes, because tags can hide any text. A backslash is
not escaped: the four characters ``\x1b`` and the control character print alike. JSON keeps the difference.
"""

import json
import re
from typing import Any

SPACE, NEWLINE, TAB = "␣", "⏎", "⇥"

_HIDDEN = (
    r"\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ud800-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U0001fffe\U0001ffff\U0002fffe\U0002ffff"
    r"\U0003fffe-\U0010ffff"
)
_EMOJI = r"\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_IDEOGRAPH = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
_JOINING = r"\u0600-\u1cff\ua800-\uabff\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff"
_NEEDED = re.compile(
    rf"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}\s{SPACE}{NEWLINE}{TAB}])"
    rf"|(?:(?<=[{_EMOJI}])|(?<=[{_EMOJI}]\ufe0f))\u200d(?=[{_EMOJI}])"
    rf"|(?<=[{_EMOJI}])[\ufe0e\ufe0f]|(?<=[#*0-9])\ufe0f(?=\u20e3)"
    rf"|(?<=[{_IDEOGRAPH}])[\ufe00-\ufe0f\U000e0100-\U000e01ef]|(?<=[\u1820-\u18aa])[\u180b-\u180f]"
)
_CANDIDATE = re.compile(f"[{_HIDDEN}]")
_BLANK = re.compile(r"[\xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")
_BREAK = re.compile(r"[ \t]*\r?\n[ \t\r\n]*")
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠].", re.DOTALL)
_encode = json.JSONEncoder().encode
_DEL = {"\x7f": "\\u007f"}  # the only one that JSON leaves as it is
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|nan)", re.ASCII)


def shown(text: object) -> str:
    """The text with every hidden character as an escape. Line feeds and spaces remain."""
    plain = str(text)
    if plain.isascii() and plain.isprintable():
        return plain
    return _CANDIDATE.sub(lambda mark: mark[0] if _NEEDED.match(plain, mark.start()) else ascii(mark[0])[1:-1], plain)


def line(text: object) -> str:
    """The text on one line: as ``shown``, and line feeds with the spaces around them are one space."""
    return shown(_BREAK.sub(" ", str(text).strip("\r\n")))


def visible(text: str) -> str:
    """A token as a label: hidden characters as escapes, a space as ␣, a line feed as ⏎, a tab as ⇥.

    Other spaces are escapes too, so a label never looks empty and no two kinds of space look alike.
    """
    return _BLANK.sub(
        lambda mark: ascii(mark[0])[1:-1], shown(text.replace("\n", NEWLINE).replace("\t", TAB)).replace(" ", SPACE)
    )


def dumps(document: Any, *, ascii_only: bool = False, compact: bool = False) -> str:
    r"""One JSON document. Hidden characters are ``\u`` escapes, so a reader of the JSON gets the same text.

    Args:
        document: dicts, lists, texts, numbers, booleans and None.
        ascii_only: every character beyond ASCII is an escape too, for outputs that are not Unicode.
        compact: no spaces between parts.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    separators = (",", ":") if compact else None
    text = json.dumps(document, allow_nan=False, ensure_ascii=ascii_only, separators=separators)
    if ascii_only and "\x7f" not in text:
        return text
    return _CANDIDATE.sub(
        lambda mark: mark[0] if _NEEDED.match(text, mark.start()) else _DEL.get(mark[0]) or _encode(mark[0])[1:-1], text
    )


def csv_cell(text: object) -> str:
    """A text as a cell of a table file: on one line, and with an apostrophe where a spreadsheet would compute it.

    Source: OWASP, CSV injection. A number keeps its sign, and a sign alone is a text.
    """
    plain = line(text)
    risky = _FORMULA.match(str(text)) or _FORMULA.match(plain)
    return f"'{plain}" if risky and not _NUMBER.fullmatch(plain) else plain


def everywhere(value: Any) -> Any:
    """``shown`` for every text in a document of dicts, lists and plain values, names in dicts included."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {shown(key): everywhere(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [everywhere(part) for part in value]
    return value
