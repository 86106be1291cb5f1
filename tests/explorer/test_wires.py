"""The wires of the explorer are those of the Python interface: panels, the graph's edges, channels and their ends."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from depth import deep
from served import on_builtin
from tiny import FEW, KINDS, MODERN, ROTARY, Kind, tiny

import loadstore as ls
from loadstore.errors import BadRequest, LoadstoreError, NoSuchSite, NoSuchWire, Undefined
from loadstore.explorer import channel as channels
from loadstore.explorer import wires
from loadstore.explorer.state import Explorer
from loadstore.explorer.table import answered
from loadstore.explorer.work import Hung
from loadstore.figures.wires.scores import scores_figure
from loadstore.scores.measures import OF_A_WIRE
from loadstore.views.base import plain

PROMPT = "the cat sat on the mat. the dog sat on the log."


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return on_builtin()


def answer(explorer: Explorer, measure: str) -> dict[str, Any]:
    return plain(answered("wires", explorer, {"measure": measure})(lambda done, of: None))


def one(explorer: Explorer, writer: str, reader: str, **more: Any) -> dict[str, Any]:
    return plain(answered("channel", explorer, {"writer": writer, "reader": reader, **more}))


def test_edges_by_alignment_are_the_wires_above_chance_and_no_others(explorer: Explorer) -> None:
    graph, scores = answer(explorer, "alignment")["graph"], ls.subspace_scores(explorer.weights)
    above = (scores.q.values <= 0.01) & (scores.alignment.values > 0)
    assert {(i, j) for i, j, *_ in graph["wires"]} == {(int(i), int(j)) for i, j in np.argwhere(above)}
    assert [graph["writers"], graph["readers"]] == [list(scores["writer"].values), list(scores["reader"].values)]
    for i, j, group, value, z, q in graph["wires"]:
        cell = scores.isel(writer=i, reader=j)
        assert (group, value) == (0, pytest.approx(float(cell.alignment), rel=1e-3))
        assert (z, q) == (pytest.approx(float(cell.z), rel=1e-3), pytest.approx(float(cell.q), rel=1e-3, abs=1e-300))
    values = [wire[3] for wire in graph["wires"]]
    assert values == sorted(values, reverse=True)
    (group,) = graph["groups"]
    assert group["mass"] == pytest.approx(float(scores.alignment.values[above].sum()), rel=1e-3)
    assert (group["held"], group["sent"], group["count"]) == (pytest.approx(1), int(above.sum()), int(above.sum()))
    assert f"{int(above.sum()):,} are" in graph["rule"]


def test_edges_by_traffic_are_all_that_is_carried_and_units_are_not_added_up(explorer: Explorer) -> None:
    found, told = ls.traffic(explorer.weights), answer(explorer, "traffic")
    graph = told["graph"]
    assert len(graph["wires"]) == int((found.traffic.values > 0).sum())
    for i, j, group, value, error, share in graph["wires"]:
        cell = found.isel(writer=i, reader=j)
        assert value == pytest.approx(float(cell.traffic), rel=1e-3)
        assert (error, share) == (
            pytest.approx(float(cell.standard_error), rel=1e-3),
            pytest.approx(float(cell.share), rel=1e-3, abs=1e-9),
        )
        kind = "Q and K" if str(cell["reader"].values)[-1] in "QK" else "V" if "V" in str(cell["reader"].values) else ""
        assert graph["groups"][group]["name"] == (kind or "the unembedding")
    for place, group in enumerate(graph["groups"]):
        assert sum(wire[3] ** 2 for wire in graph["wires"] if wire[2] == place) == pytest.approx(
            group["mass"], rel=1e-2
        )
    assert [group["unit"] for group in graph["groups"]] == ["nats", "units of the stream", "logits"]
    (parts,) = told["figure"]["views"]
    assert [len(choice["views"]) for choice in parts["choices"]] == [2, 1]
    details = parts["choices"][0]["views"][0]["panels"][0]["details"]
    assert set(details) == {"standard_error", "share"}


def test_too_many_wires_are_cut_to_the_strongest_and_what_is_left_out_is_counted(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = answer(explorer, "traffic")["graph"]
    monkeypatch.setattr(wires, "MOST", 30)
    some = wires.carried(explorer.weights, lambda done, of: None)["graph"]
    assert some["wires"] == whole["wires"][:30]
    assert sum(group["sent"] for group in some["groups"]) == 30
    for place, group in enumerate(some["groups"]):
        held = sum(wire[3] ** 2 for wire in some["wires"] if wire[2] == place)
        assert group["held"] == pytest.approx(held / group["mass"], rel=1e-2, abs=1e-9)
        assert group["count"] == whole["groups"][place]["count"]


def test_many_heads_are_drawn_by_layers_and_few_as_panels(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    (parts,) = answer(explorer, "alignment")["figure"]["views"]
    assert [(view["schema"], view["title"]) for choice in parts["choices"] for view in choice["views"]] == [
        ("loadstore/heatmap@1", "Alignment"),
        ("loadstore/heatmap@1", "Others"),
    ]
    monkeypatch.setattr("loadstore.figures.wires.scores.MANY", 10)
    scores = ls.subspace_scores(explorer.weights)
    sides, others = plain(scores_figure(scores))["views"]
    assert [view["schema"] for view in (sides, others)] == ["loadstore/layers@1"] * 2
    assert [group["label"] for group in sides["columns"]["groups"]] == ["L0", "L1"]
    row = [writer for group in others["rows"]["groups"] for writer in group["members"]].index("L0.H7")
    value = float(scores.alignment.sel(writer="L0.H7", reader="unembed"))
    assert others["panels"][0]["values"][row][0] == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("measure", ["alignment", "traffic"])
def test_progress_only_grows_and_the_second_who_asks_waits_for_nothing(explorer: Explorer, measure: str) -> None:
    fresh, steps = Explorer(replace(explorer.weights, name=f"fresh by {measure}"), PROMPT), []
    work = answered("wires", fresh, {"measure": measure})
    first = work(lambda done, of: steps.append((done, of)))
    assert [done for done, _ in steps] == sorted({done for done, _ in steps})
    assert len({of for _, of in steps}) == 1
    assert steps[-1][0] == steps[-1][1]
    assert work(lambda done, of: pytest.fail("measured twice")) is first


@pytest.mark.parametrize("measure", ["alignment", "traffic"])
def test_who_hangs_up_stops_the_work_and_nothing_half_made_is_kept(explorer: Explorer, measure: str) -> None:
    def hung(done: int, of: int) -> None:
        raise Hung

    fresh = Explorer(replace(explorer.weights, name=f"stopped by {measure}"), PROMPT)
    with pytest.raises(Hung):
        answered("wires", fresh, {"measure": measure})(hung)
    assert answer(fresh, measure)["measure"] == measure


def test_a_measure_that_is_none_is_refused(explorer: Explorer) -> None:
    for measure in ("effect", 3, None, ["alignment"]):
        with pytest.raises(BadRequest, match="measure"):
            answered("wires", explorer, {"measure": measure})


def test_traffic_of_a_model_without_a_tokenizer_is_an_error_that_says_why() -> None:
    with pytest.raises(LoadstoreError, match="token"):
        answer(Explorer(tiny(KINDS[0]), [1, 2, 3]), "traffic")


def test_a_channel_is_that_of_the_python_interface(explorer: Explorer) -> None:
    told, found = one(explorer, "L0.H7", "L1.H4.K"), ls.vocabulary.channels(explorer.weights, "L0.H7", "L1.H4.K")
    ends, carried = told["figure"]["views"]
    best = found.carried.values[:, 0].argsort()[::-1][: channels.CHANNELS]
    assert [row["label"] for row in carried["rows"]] == [str(found["channel"].values[i]) for i in best]
    assert [row["value"] for row in carried["rows"]] == pytest.approx(found.carried.values[best, 0], rel=1e-6)
    strongest = ls.vocabulary.channel_tokens(
        explorer.weights, "L0.H7", "L1.H4.K", int(best[0]) + 1, top=channels.TOKENS
    )
    assert ends["rows"][0][2].split("  ") == [match.text for match in strongest.stored["+"]]
    assert ends["rows"][1][3].split("  ") == [match.text for match in strongest.loaded["-"]]
    assert ends["rows"][0][1] == pytest.approx(strongest.agreement, rel=1e-6)
    scores = ls.subspace_scores(explorer.weights).sel(writer="L0.H7", reader="L1.H4.K")
    assert told["wire"] == {name: pytest.approx(float(scores[name]), rel=1e-6) for name in OF_A_WIRE}
    assert told["total"] == 32
    assert told["undecoded"] is None
    assert [panel["title"] for panel in told["readers"]["views"][0]["panels"]] == ["Q", "K", "V"]


def reaching(weights: ls.Weights) -> list[tuple[str, str]]:
    """One wire of every kind of writer into every kind of reader."""
    from loadstore.model.wiring import wiring

    network, kinds = wiring(weights), {}
    for writer in network.writers:
        for reader in network.readers:
            if network.connects(writer, reader):
                kinds[writer.kind, reader.side] = (str(writer), str(reader))
    return list(kinds.values())


@pytest.mark.parametrize("kind", deep([*KINDS[:2], *MODERN], usual=FEW[::2]), ids=str)
def test_every_kind_of_wire_is_decoded_or_says_why_not(kind: Kind) -> None:
    explorer = Explorer(tiny(kind), [1, 2, 3])
    for writer, reader in reaching(explorer.weights):
        still = kind.still and reader.startswith("L2.")  # a layer without positions
        turned = kind.positions == "rotary" and reader[-1] in "QK" and not still
        told = one(explorer, writer, reader)
        assert (told["undecoded"] is not None) == turned
        assert (told["offsets"] > 0) == turned
        carried = [row["value"] for row in told["figure"]["views"][-1]["rows"]]
        known = [value for value in carried if value != "nan"]
        assert known == sorted(known, reverse=True)
        assert sum(known) <= 1 + 1e-6
        if told["total"] <= channels.CHANNELS and known:
            assert sum(known) == pytest.approx(1, abs=1e-5)


def test_under_rotary_positions_an_offset_decodes_q_and_k() -> None:
    explorer = Explorer(tiny(ROTARY[0]), [1, 2, 3])
    averaged = one(explorer, "L0.H1", "L2.H0.K")
    assert "choose an offset" in averaged["undecoded"]
    assert len(averaged["figure"]["views"]) == 1
    told = one(explorer, "L0.H1", "L2.H0.K", offset=2)
    expected = ls.subspace_scores(explorer.weights, writers="L0.H1", readers="L2.H0.K", offset=2)
    assert told["undecoded"] is None
    assert told["offset"] == 2
    assert told["wire"]["score"] == pytest.approx(float(expected.score.values[0, 0]))
    assert told["wire"]["score"] != averaged["wire"]["score"]
    for offset in (-1, 10, 1.5, "2"):
        with pytest.raises(BadRequest, match="offset"):
            one(explorer, "L0.H1", "L2.H0.K", offset=offset)


def test_a_constant_has_no_stored_end_and_units_are_not_called_tokens() -> None:
    explorer = Explorer(tiny(MODERN[0]), [1, 2, 3])
    told = one(explorer, "L0.bias", "L1.H0.V")
    assert told["total"] == 1
    assert "no token" in told["figure"]["note"]["text"]
    assert told["figure"]["views"][0]["rows"][0][1] == "none"
    mlp = one(explorer, "L0.mlp", "L1.H0.V")["figure"]
    assert "units" in mlp["note"]["text"]
    assert mlp["views"][0]["columns"][1]["label"] == "units stored"


def test_wires_that_do_not_exist_and_hostile_names_are_refused(explorer: Explorer) -> None:
    with pytest.raises(NoSuchWire, match="after"):
        one(explorer, "L1.H4", "L0.H7.K")
    with pytest.raises(NoSuchWire, match="shortformer"):
        one(explorer, "pos", "L1.H4.V")
    for writer, reader in (("L9.H0", "unembed"), ("L0.H7", "L1.H4"), ("L0.mlp", "unembed"), ("", ""), ("*", "*")):
        with pytest.raises(NoSuchSite):
            one(explorer, writer, reader)
    for bad in (3, None, ["L0.H7"], "x" * 10_000):
        with pytest.raises(BadRequest, match="writer"):
            answered("channel", explorer, {"writer": bad, "reader": "unembed"})
    with pytest.raises(BadRequest, match="unknown field"):
        one(explorer, "L0.H7", "unembed", top=3)
    with pytest.raises(BadRequest, match="rotary"):
        one(explorer, "L0.H7", "L1.H4.K", offset=1)


def test_a_writer_that_stores_nothing_has_no_channels_and_says_so() -> None:
    from dataclasses import replace

    weights = tiny(KINDS[0])
    first = weights.layers[0]
    silent = replace(weights, layers=(replace(first, W_O=first.W_O * 0), *weights.layers[1:]))
    with pytest.raises(Undefined, match=r"L0\.H1"):
        one(Explorer(silent, [1, 2, 3]), "L0.H1", "L1.H0.K")
