"""What is hidden becomes visible, everywhere the same; nothing else changes."""

import csv
import io
import json
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import cache

from depth import deep
from each import each

from loadstore.errors import BadRequest
from loadstore.quote import quote
from loadstore.views.page import render_page
from loadstore.visible import csv_cell, dumps, everywhere, line, shown, visible

EVERY = "".join(map(chr, range(0x110000)))
APART = "|\0|"  # between characters, so that each stands alone in one call for all of them
CHUNK = 0x8000
TOLD = (0, 1, 2, 3, 28, 31, 33)  # chunks with a character of every class: of planes 0, 1, 14, 15 and 16
PREPENDED = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"  # these are drawn
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = "\xad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060\u2064\u3164\ufeff\uffa0\ufff9\U000e0041\U000e007f"
UNASSIGNED = "\u180f\u2065\ufff0\ufff1\ufff2\ufff3\ufff4\ufff5\ufff6\ufff7\ufff8" + "".join(
    map(chr, range(0x13430, 0x13440))
)
FORMULAS = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "+1+1", "-x"]
NUMBERS = ["-0.5", "+1", "-1e-07", "-inf", "-.5", "+3.", "nan"]


def alone(made: Callable[[str], str]) -> list[str]:
    """What becomes of each character."""
    return made(APART.join(EVERY)).split(made(APART))


def is_hidden(mark: str) -> bool:
    """By the Unicode database, and by hand what that calls a letter or a mark."""
    code = ord(mark)
    category = unicodedata.category(mark) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") and mark not in PREPENDED
    return category or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF or mark in INVISIBLE + BIDI


@cache
def all_hidden() -> frozenset[str]:
    return frozenset(filter(is_hidden, EVERY))


def hidden(mark: str) -> bool:
    return mark in all_hidden()


def chunks() -> list[str]:
    return [EVERY[start : start + CHUNK] for start in range(0, len(EVERY), CHUNK)]


def test_alone_every_character_is_an_escape_if_it_is_hidden_and_else_itself() -> None:
    for mark, told in zip(EVERY, alone(shown), strict=True):
        if mark == "\n":
            assert told == "\n"
        elif hidden(mark) or "VARIATION SELECTOR" in unicodedata.name(mark, "") or ord(mark) > 0x3FFFD:
            assert told == ascii(mark)[1:-1]
        elif told != mark:
            assert told == ascii(mark)[1:-1]
            assert mark in UNASSIGNED


@each("made", [shown, line, visible, csv_cell, dumps, quote])
def test_all_characters_together_leave_nothing_hidden_and_twice_is_once(made) -> None:
    every = chunks()
    for text in deep(every, usual=[every[place] for place in TOLD]):
        told = made(text) if made is not quote else quote(text, 20 * CHUNK)
        assert not [mark for mark in set(told) if hidden(mark) and (mark != "\n" or made is not shown)]
        assert shown(told) == told


def test_json_gives_the_same_text_back() -> None:
    for text in [*chunks(), *EVERY[:0x300], *BIDI, *INVISIBLE]:
        if any("\ud800" <= mark <= "\udfff" for mark in text):
            text = "".join(mark + "." for mark in text)  # two lone surrogates side by side are a pair in JSON
        for narrow in (False, True):
            assert json.loads(dumps({"text": text}, ascii_only=narrow)) == {"text": text}
        assert dumps(text, ascii_only=True).isascii()


@each(
    "text",
    [
        "the cat sat on the mat",
        "👩‍👩‍👧 ❤️‍🔥 👍🏽 1️⃣ 🏳️‍🌈 🇫🇷",
        "می‌خواهم",
        "क्‍ष ന്‍ മ",
        "שלום עולם",
        "e\u0301 a\u0308 Z̷a̸",
        "葛\U000e0100 漢字",
        "ᠠ᠋ ᠬᠠ᠎",
        "� ∀x∈ℝ ␣⏎⇥",
    ],
)
def test_text_of_every_script_and_emoji_remain(text: str) -> None:
    assert shown(text) == text
    assert line(text) == text


@each(
    ("text", "told"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202eabc", r"\u202eabc"),
        ("a\u200db", r"a\u200db"),
        ("x\ufe0f", r"x\ufe0f"),
        ("👩\u200d", r"👩\u200d"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f" + r"\ufe0f"),
        ("🏴\U000e0067\U000e007f", r"🏴\U000e0067\U000e007f"),
        ("\ud800", r"\ud800"),
    ],
)
def test_marks_that_mislead_do_not(text: str, told: str) -> None:
    assert shown(text) == told


def test_labels_show_white_space_and_are_never_blank() -> None:
    assert visible(" on\n\t") == "␣on⏎⇥"
    assert visible("\r\x00") == r"\r\x00"
    for mark, told in zip(EVERY, alone(visible), strict=True):
        assert told.strip("\u2800\u3164 "), ascii(mark)


def test_a_line_is_one_line() -> None:
    assert line("one\n  two\r\n\nthree\u2028four\n") == r"one two three\u2028four"
    assert quote("  one\n\ttwo\x85three  ") == r"one two\x85three"
    assert str(BadRequest("a \x1b]0;title\x07\nb")) == r"a \x1b]0;title\x07 b"


@each("text", FORMULAS)
def test_a_formula_in_a_cell_is_text(text: str) -> None:
    assert csv_cell(text).startswith("'")


@each("text", [*NUMBERS, "L0.H7", "␣=1", "−1+2", "a=b", "=", "-", ""])
def test_a_number_or_a_word_in_a_cell_is_itself(text: str) -> None:
    assert csv_cell(text) == text


def test_all_characters_in_cells_are_read_back_without_formulas() -> None:
    cells = [csv_cell(mark + "1+1") for mark in [*EVERY[:0x400], *EVERY[0xFF00:0x10000]]]
    table = io.StringIO(newline="")
    csv.writer(table).writerow(cells)
    assert next(csv.reader(io.StringIO(table.getvalue(), newline=""))) == cells
    assert not [cell for cell in cells if cell[0] in "=+-@\t\r\n＝＋－＠"]


def test_what_is_shown_is_allowed_in_xml() -> None:
    for text in chunks():
        told = shown(text)
        node = ET.Element("text", {"label": told})
        node.text = told
        assert ET.fromstring(ET.tostring(node, "utf-8")).text == told


def test_a_page_holds_no_hidden_character_whoever_made_its_texts() -> None:
    document = {"title": f"a{BIDI}\x1b", "sections": [{"title": INVISIBLE, "rows": [["\x9b", 1.5, None]]}]}
    page = render_page(document)
    data = page.split('id="loadstore-data">')[1].split("</script>")[0]
    assert json.loads(data) == everywhere(document)
    assert not [mark for mark in page.split("<style>")[0] + data if hidden(mark) and mark != "\n"]
