"""Which writer reaches which reader: counted for the article's machine, and refused where there is no wire."""

import pytest
from each import each
from hostile import refusal
from tiny import FEW, Kind, tiny

from loadstore.errors import NoSuchSite, NoSuchWire
from loadstore.model.architecture import Positions
from loadstore.model.wiring import Wiring, wiring
from loadstore.sites import EMBED, POS, UNEMBED, Head

SHORTFORMER = Kind("shortformer", "none", biases=False)
LEARNED = Kind("learned", "none", biases=False)


def article(kind: Kind) -> Wiring:
    """The wiring of 2 layers × 12 heads."""
    return wiring(tiny(kind, n_layers=2, n_heads=12))


def test_the_article_machine_has_26_writers_and_73_readers() -> None:
    found = article(SHORTFORMER)
    assert (len(found.writers), len(found.readers)) == (26, 73)
    assert found.exists.shape == (26, 73)


@each(
    ("reader", "sources"),
    [
        ("L0.H3.Q", 2),
        ("L0.H3.K", 2),
        ("L0.H3.V", 1),
        ("L1.H4.Q", 14),
        ("L1.H4.K", 14),
        ("L1.H4.V", 13),
        ("unembed", 25),
    ],
)
def test_shortformer_positions_reach_queries_and_keys_of_every_layer_only(reader: str, sources: int) -> None:
    found = article(SHORTFORMER)
    writers = found.writers_of(found.reader(reader))
    assert len(writers) == sources
    assert (POS in writers) == (reader[-2:] in (".Q", ".K"))
    assert EMBED in writers


@pytest.mark.parametrize("reader", ["L0.H3.Q", "L0.H3.V", "L1.H4.V", "unembed"])
def test_learned_positions_are_in_the_stream_for_everyone(reader: str) -> None:
    found = article(LEARNED)
    assert POS in found.writers_of(found.reader(reader))
    assert len(found.writers_of(found.reader("L1.H4.V"))) == 14


@pytest.mark.parametrize("kind", FEW, ids=str)
def test_the_matrix_is_what_connects_says_and_heads_never_see_their_own_layer_or_a_later_one(kind: Kind) -> None:
    found = wiring(tiny(kind))
    for i, writer in enumerate(found.writers):
        for j, reader in enumerate(found.readers):
            exists = bool(found.exists[i, j])
            assert exists == found.connects(writer, reader) == (writer in found.writers_of(reader))
            if writer.kind in ("head", "bias"):
                own = reader.is_mlp and writer.layer == reader.layer and "parallel" not in kind.mlp
                assert exists == (reader.is_unembed or writer.layer < reader.layer or own)
            if writer.kind == "mlp":
                assert exists == (reader.is_unembed or writer.layer < reader.layer)
    assert sum(writer.kind == "bias" for writer in found.writers) == (3 if kind.biases else 0)
    assert sum(writer.kind == "mlp" for writer in found.writers) == (3 if kind.mlp else 0)


@pytest.mark.parametrize(
    ("writer", "reader"), [("L1.H0", "L0.H0.K"), ("L0.H1", "L0.H2.Q"), ("L0.H1", "L0.H1.V"), ("L1.bias", "L1.H0.V")]
)
def test_no_wire_leads_into_the_same_or_an_earlier_layer(writer: str, reader: str) -> None:
    found = wiring(tiny(Kind("learned", "layer", biases=True)))
    refusal(
        lambda: found.wire(writer, reader),
        NoSuchWire,
        *(f"no wire {writer} → {reader}", f"{writer} stores after {reader} has loaded"),
    )


@pytest.mark.parametrize("reader", ["L0.H0.V", "L1.H4.V", "unembed"])
def test_no_wire_leads_from_shortformer_positions_to_values_or_logits(reader: str) -> None:
    refusal(lambda: article(SHORTFORMER).wire("pos", reader), NoSuchWire, f"no wire pos → {reader}", "Q and K only")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("L9.H3", "L1.H3"), ("L0.H12", "L0.H11"), ("L1.H99", "L1.H11"), ("L9.H99", "L1.H11")],
)
def test_an_unknown_site_is_answered_with_the_nearest(name: str, nearest: str) -> None:
    model = tiny(SHORTFORMER, n_layers=2, n_heads=12)
    found = wiring(model)
    refusal(lambda: found.writer(name), NoSuchSite, f"no writer {name}", model.name, f"Nearest: {nearest}.")
    refusal(lambda: found.reader(f"{name}.K"), NoSuchSite, f"no reader {name}.K", f"Nearest: {nearest}.K.")
    head = Head(int(name[1]), int(name[4:]))
    refusal(
        lambda: model.architecture.check(head, model.name),
        NoSuchSite,
        *(f"no head {name}", model.name, "layers L0–L1 with heads H0–H11", f"Nearest: {nearest}."),
    )


@pytest.mark.parametrize("positions", ["rotary", "none"])
def test_positions_that_are_no_vectors_write_nothing(positions: Positions) -> None:
    found = article(Kind(positions, "none", biases=False))
    assert (len(found.writers), len(found.readers)) == (25, 73)
    refusal(lambda: found.writer("pos"), NoSuchSite, "no writer pos", "embed, L0.H0")


def test_a_head_before_the_first() -> None:
    refusal(lambda: Head(-1, -1), NoSuchSite, "two whole numbers of at least 0")


def test_a_bias_that_a_model_has_not() -> None:
    refusal(lambda: article(LEARNED).writer("L0.bias"), NoSuchSite, "no writer L0.bias", "embed, pos")
    biased = wiring(tiny(Kind("learned", "none", biases=True)))
    refusal(lambda: biased.writer("L7.bias"), NoSuchSite, "no writer L7.bias", "Nearest: L2.bias.")


def test_both_ends_of_a_wire_are_looked_up() -> None:
    found = article(SHORTFORMER)
    assert found.wire("pos", "L1.H4.K") == (POS, found.reader("L1.H4.K"))
    assert found.wire("L0.H7", "unembed")[1] == UNEMBED
    refusal(lambda: found.wire("L7.H7", "L1.H4.K"), NoSuchSite, "no writer L7.H7", "Nearest: L1.H7.")
    refusal(lambda: found.wire("L0.H7", "L1.H44.K"), NoSuchSite, "no reader L1.H44.K", "Nearest: L1.H11.K.")
