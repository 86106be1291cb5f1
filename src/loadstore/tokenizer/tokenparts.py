"""The parts of a tokenizer.json that rewrite or split text, with a bound on the bytes each makes of one byte."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from loadstore.quote import quote
from loadstore.tokenizer.patterns import degree
from loadstore.tokenizer.work import Unbounded

MOST_PARTS, MOST_TEXT = 32, 4096
Part: TypeAlias = Mapping[str, Any]


class Parts:
    """Counts the parts of one file; ``slow`` is set if a pattern's work may be quadratic in the length of a text."""

    def __init__(self) -> None:
        self.count, self.slow = 0, False

    def growth(self, part: object, what: str, inside: str, listed: dict[str, Callable[["Parts", Part], int]]) -> int:
        """The largest factor by which a part may lengthen a text, in bytes; factors of a sequence multiply."""
        if part is None:
            return 1
        part = as_object(part, what)
        self.count += 1
        if self.count > MOST_PARTS:
            raise Unbounded(f"it has more than {MOST_PARTS} normalizers, pre-tokenizers, decoders and processors")
        kind = part.get("type")
        if kind == "Sequence":
            product = 1
            for each in list_in(part, inside):
                product = min(product * self.growth(each, what, inside, listed), 10**9)
            return product
        if not isinstance(kind, str) or kind not in listed:
            raise Unbounded(
                f"its {what} '{quote(kind, 40)}' is not supported; supported are Sequence, {', '.join(listed)}"
            )
        return listed[kind](self, part)

    def replace(self, part: Part) -> int:
        """A text or pattern becomes ``content``; an empty pattern matches at every character."""
        content = len(text_in(part, "content").encode(errors="replace"))
        length = self.pattern(part)
        return 1 + content if length == 0 else max(1, -(-content // length))

    def split(self, part: Part) -> int:
        """A pattern that only splits."""
        self.pattern(part)
        return 1

    def pattern(self, part: Part) -> int:
        """The length in bytes of a literal pattern; 0 for a regular expression, which may match the empty string."""
        pattern = object_in(part, "pattern")
        match [*pattern.items()]:
            case [("String", str(text))]:
                return len(text.encode(errors="replace"))
            case [("Regex", str(text))]:
                try:
                    self.slow |= degree(text) > 0
                except Unbounded as error:
                    raise Unbounded(f"its pattern '{quote(text, 60)}' is not supported: {error}") from None
                return 0
            case _:
                raise Unbounded(f"its pattern is {quote(pattern, 60)}, expected a String or a Regex")


def _grows(times: int) -> Callable[[Parts, Part], int]:
    return lambda parts, part: times


def _prepend(parts: Parts, part: Part) -> int:
    """Text between added tokens may be one character long, and each such text is prefixed."""
    return 1 + len(text_in(part, "prepend").encode(errors="replace"))


def _metaspace(parts: Parts, part: Part) -> int:
    length = len(text_in(part, "replacement").encode(errors="replace"))
    return length if part.get("prepend_scheme") == "never" else length * (1 + length)


def _byte_level(parts: Parts, part: Part) -> int:
    return 4 if part.get("add_prefix_space") else 2


def _fixed(parts: Parts, part: Part) -> int:
    check_whole(part, "length", 1, 1 << 20)
    return 1


def _strip(parts: Parts, part: Part) -> int:
    check_whole(part, "start", 0, MOST_TEXT)
    check_whole(part, "stop", 0, MOST_TEXT)
    return 1


def _template(parts: Parts, part: Part) -> int:
    special = as_object(part.get("special_tokens") or {}, "template").values()
    ids = [list_in(as_object(piece, "template"), "ids") for piece in special]
    lists = [list_in(part, "single"), list_in(part, "pair"), *ids]
    if max(map(len, lists)) > MOST_PARTS:
        raise Unbounded(f"its template has more than {MOST_PARTS} pieces")
    return 1


# The most bytes that one byte can become, by Unicode's tables (UAX #15) or by the part's own settings.
NORMALIZERS: dict[str, Callable[[Parts, Part], int]] = {
    **dict.fromkeys(("NFC", "NFD"), _grows(3)),
    **dict.fromkeys(("NFKC", "NFKD"), _grows(11)),
    **dict.fromkeys(("Strip", "StripAccents", "Nmt"), _grows(1)),
    "Lowercase": _grows(2),
    "ByteLevel": _grows(2),
    "BertNormalizer": _grows(12),
    "Prepend": _prepend,
    "Replace": Parts.replace,
}
PRE_TOKENIZERS: dict[str, Callable[[Parts, Part], int]] = {
    **dict.fromkeys(
        ("BertPreTokenizer", "CharDelimiterSplit", "Digits", "Punctuation", "UnicodeScripts", "Whitespace"), _grows(1)
    ),
    "WhitespaceSplit": _grows(1),
    "ByteLevel": _byte_level,
    "FixedLength": _fixed,
    "Metaspace": _metaspace,
    "Split": Parts.split,
}
DECODERS: dict[str, Callable[[Parts, Part], int]] = {
    **dict.fromkeys(("ByteFallback", "CTC", "Fuse", "Metaspace"), _grows(1)),
    **dict.fromkeys(("BPEDecoder", "WordPiece"), _grows(2)),
    "ByteLevel": _grows(3),
    "Replace": Parts.replace,
    "Strip": _strip,
}
PROCESSORS: dict[str, Callable[[Parts, Part], int]] = {
    **dict.fromkeys(("BertProcessing", "ByteLevel", "RobertaProcessing"), _grows(1)),
    "TemplateProcessing": _template,
}


def as_object(part: object, what: str) -> Part:
    """Check that this is an object of the file. Raises Unbounded."""
    if not isinstance(part, dict):
        raise Unbounded(f"its {what} is {quote(part, 60)}, expected an object")
    return cast("dict[str, Any]", part)


def object_in(facts: Part, name: str) -> Part:
    """The object under a key. Raises Unbounded."""
    return as_object(facts.get(name), name)


def list_in(facts: Part, name: str) -> list[Any]:
    """The list under a key, empty if the key is missing. Raises Unbounded."""
    value: object = facts.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unbounded(f"its {name} are {quote(value, 60)}, expected a list")
    return cast("list[Any]", value)


def text_in(part: Part, name: str) -> str:
    """The text under a key. Raises Unbounded."""
    text: object = part.get(name)
    if not isinstance(text, str) or len(text) > MOST_TEXT:
        raise Unbounded(f"its {name} is {quote(text, 60)}, expected a text of at most {MOST_TEXT:,} characters")
    return text


def check_whole(part: Part, name: str, least: int, most: int) -> None:
    """Check an integer. Raises Unbounded."""
    number: object = part.get(name)
    if type(number) is not int or not least <= number <= most:
        raise Unbounded(f"its {name} is {quote(number, 40)}, expected {least} to {most:,}")
