"""Names of sites: what is read back, and what is no name."""

from each import each
from hostile import refusal

from loadstore.errors import NoSuchSite
from loadstore.sites import (
    EMBED,
    POS,
    UNEMBED,
    Head,
    Reader,
    Writer,
    parse_head,
    parse_reader,
    parse_writer,
    short_form,
)

WRITERS = [EMBED, POS, Writer("head", 0, 7), Writer("head", 31, 127), Writer("bias", 2), Writer("mlp", 2)]
READERS = [UNEMBED, Reader(1, 4, "Q"), Reader(1, 4, "K"), Reader(12, 10, "V"), Reader(2, -1, "mlp")]
NO_NAMES = [
    *("", " ", "L1", "H4", "L1.H", "L.H4", "LL1.H4", "L1 H4", "14", "L-1.H4", "L1.H-4", "L1.H4.", "L1..H4", "L1.L4"),
    *("L1.H4.X", "L1.HH4", "L1.H4.K.K", "L1.5.H4", "L1.H4 ; rm", "L12345.H4", "1.4.", "blocks.1.attn", "L1.H4\0"),
    *("const", "Lembed", "mlp", "١.٤", "</script>", "L" * 10_000),
]


def test_every_name_is_read_back() -> None:
    assert [parse_writer(str(site)) for site in WRITERS] == WRITERS
    assert [parse_reader(str(site)) for site in READERS] == READERS
    assert parse_head("L1.H4") == parse_head(" L1.H4 ") == parse_head(Writer("head", 1, 4)) == Head(1, 4)
    assert parse_writer(Head(1, 4)) == Writer("head", 1, 4)
    for name in ("1.4", "L1H4", "l1.h4", "L1.h4", "l1h4", "01.04"):
        assert parse_head(name) == parse_writer(name).head == Head(1, 4)
        assert [parse_reader(f"{name}.{side}").head_side for side in "Qkv"] == ["Q", "K", "V"]


@each("name", ["L1.H4", "L1H4", "l1h4", "l1.h4", "1.4", "1h4", "1.H4", "L1.4"])
def test_a_name_is_read_in_every_spelling(name: str) -> None:
    assert parse_head(name) == Head(1, 4)
    assert parse_writer(name) == Writer("head", 1, 4)
    assert parse_reader(f"{name}.k") == parse_reader(f"{name}.K") == Reader(1, 4, "K")
    assert "1.4".startswith(short_form(name[:-1]))
    assert parse_writer("EMBED") == EMBED
    assert parse_writer("l2.MLP") == parse_writer("2.mlp") == Writer("mlp", 2)


@each("name", NO_NAMES)
def test_what_is_no_name_is_answered_with_one(name: str) -> None:
    refusal(lambda: parse_head(name), NoSuchSite, "is not a head", "L1.H4")
    refusal(lambda: parse_writer(name), NoSuchSite, "is not a writer", "embed, pos, L0.H7")
    refusal(lambda: parse_reader(name), NoSuchSite, "is not a reader", "L1.H4.Q, L1.H4.K, L1.H4.V, L1.mlp and unembed")


def test_a_name_of_the_other_sort() -> None:
    refusal(lambda: parse_reader("L1.H4"), NoSuchSite, "'L1.H4' is not a reader", "L1.H4.K")
    refusal(lambda: parse_reader("embed"), NoSuchSite, "'embed' is not a reader")
    refusal(lambda: parse_writer("L1.H4.K"), NoSuchSite, "'L1.H4.K' is not a writer")
    refusal(lambda: parse_writer("unembed"), NoSuchSite, "'unembed' is not a writer")
    refusal(lambda: parse_head(EMBED), NoSuchSite, "embed is a writer but not a head", "L1.H4")
    refusal(lambda: UNEMBED.head, NoSuchSite, "unembed is a reader but not a side of a head", "L1.H4.K")
