"""The picture of a circuit: the F that it prints is that of its wires, nothing covers anything, text is only text."""

import itertools
import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from circuits.planted import Planted, planted
from served import builtin

import loadstore as ls
from loadstore.circuits.circuit import mask_of
from loadstore.circuits.measured import measured
from loadstore.decomposition.graph import Answer, Edge, Graph, Node
from loadstore.decomposition.short import short
from loadstore.errors import BadRequest
from loadstore.evidence.verdict import Verified
from loadstore.evidence.whole import wires_alone
from loadstore.figures.picture.boxes import CHARACTER
from loadstore.figures.picture.layout import picture
from loadstore.figures.picture.pictured import Pictured
from loadstore.figures.picture.svg import svg
from loadstore.sites import parse_reader, parse_writer

PROMPT = "the dog sat on the mat. the dog sat"


@pytest.fixture(scope="module")
def case() -> Planted:
    return planted(mlp=True)


@pytest.fixture(scope="module")
def proof() -> Verified:
    return ls.verify(ls.listing(ls.run(builtin(), PROMPT)), controls=3, replicates=2)


def test_f_is_that_of_exactly_the_wires_that_are_drawn(case: Planted) -> None:
    """Fewer loads: fewer wires, another F, and the same F as runs of a circuit with these wires."""
    on = measured(case.task.judge)
    seen: set[float] = set()
    for top in (1, 3, 20):
        drawn = ls.picture(case.circuit(), case.task.judge, top=top)
        wires = [(parse_writer(writer), parse_reader(reader)) for writer, reader in drawn.wires]
        assert drawn.faithfulness == on.faithfulness(mask_of(on.live, wires))
        assert f"F of exactly these {len(wires)} wires" in drawn.view.notes[1]
        assert f": {short(drawn.faithfulness)}; of" in drawn.view.notes[1]
        seen.add(round(drawn.faithfulness, 6))
    assert len(seen) > 1
    assert max(seen) == pytest.approx(1 / 3)  # one pair draws the wires that one of three templates needs


def test_a_listing_that_was_not_measured_says_so_and_a_proof_has_f_and_cuts(proof: Verified) -> None:
    plain = ls.picture(proof.listing)
    assert plain.faithfulness is None
    assert "is not measured" in plain.view.notes[1]
    drawn = ls.picture(proof)
    assert proof.whole is not None
    assert drawn.faithfulness == proof.whole.drawn_sufficiency
    found = proof.listing
    count, share, _ = wires_alone(found.trace, found.at, found.token, drawn.wires)
    assert (count, share) == (proof.whole.drawn_wires, pytest.approx(proof.whole.drawn_sufficiency, abs=1e-6))
    assert f"{proof.whole.drawn_wires} wires: {short(proof.whole.drawn_sufficiency)}" in drawn.view.notes[1]
    assert ls.picture(proof, top=3).faithfulness is None  # another picture than the one that was measured


def test_cuts_break_the_arcs_of_their_wires_and_have_the_numbers_of_the_proof(proof: Verified) -> None:
    drawn = ls.picture(proof)
    checks = {f"Cut {check.claim.text}": check for check in proof.checks}
    assert drawn.view.cuts
    for cut in drawn.view.cuts:
        check = checks[cut.name]
        ends = {(str(writer), str(reader)) for writer, reader in check.claim.wires}
        assert {wire for index in cut.arcs for wire in drawn.graph.edges[index].wires} >= ends
        assert cut.kept == pytest.approx(min(1, check.probability / proof.listing.probability))
        assert cut.answer[1] == f"p {short(check.probability)}"


def layouts(case: Planted, proof: Verified) -> list[Pictured]:
    return [ls.picture(case.circuit(), case.task.judge), ls.picture(proof), ls.picture(proof, top=60)]


def test_no_mark_covers_another_and_all_is_inside(case: Planted, proof: Verified) -> None:
    for drawn in layouts(case, proof):
        view = drawn.view
        for one, other in itertools.combinations(view.marks, 2):
            apart = (
                one.box[0] + one.box[2] <= other.box[0]
                or other.box[0] + other.box[2] <= one.box[0]
                or one.box[1] + one.box[3] <= other.box[1]
                or other.box[1] + other.box[3] <= one.box[1]
            )
            assert apart, (one.name, other.name)
        for mark in view.marks:
            left, top, width, height = mark.box
            assert left >= 0 and left + width <= view.width and top >= 0 and top + height <= view.height  # noqa: PT018
            assert all(len(line) * CHARACTER <= width for line in mark.lines)
        places = [token.at[0] for token in view.tokens]
        assert places == sorted(places)
        ends = [
            (token.at[0] - len(token.text) * CHARACTER / 2, token.at[0] + len(token.text) * CHARACTER / 2)
            for token in view.tokens
        ]
        assert all(before[1] < after[0] for before, after in itertools.pairwise(ends))


def test_an_arc_ends_below_its_reader_and_begins_above_its_writer(proof: Verified) -> None:
    view = ls.picture(proof).view
    boxes = {f"{mark.name} at {mark.token}": mark.box for mark in view.marks}
    for arc in view.arcs:
        numbers = [float(text) for text in re.findall(r"-?[\d.]+", arc.path)]
        if arc.target in boxes:
            left, top, width, height = boxes[arc.target]
            assert left < numbers[-2] < left + width
            assert numbers[-1] == pytest.approx(top + height + 3, abs=0.2)
        if arc.source in boxes:
            assert numbers[1] == pytest.approx(boxes[arc.source][1], abs=0.2)
        assert numbers[1] > numbers[-1]  # upwards
    widths = [arc.width for arc in view.arcs]
    assert widths == sorted(widths, reverse=True)


def test_long_prompts_fold_what_nothing_is_loaded_from() -> None:
    labels = tuple(f"word·{index}" for index in range(300))
    answer, head, token = Node("answer", "answer", 299), Node("L0.H0", "head", 299, 0), Node("embed", "token", 7)
    edges = (Edge(head, answer, "unembed", 1.0), Edge(token, head, "V", 0.5))
    view = picture(Graph(labels, Answer("on", 0.5), edges, 0, "all"), "long", [])
    assert [each.text for each in view.tokens] == ["⋯ 7 ⋯", "word·7", "⋯ 291 ⋯", "word·299"]
    assert [each.folded for each in view.tokens] == [True, False, True, False]
    assert view.width < 500


@pytest.mark.parametrize(("at", "texts"), [(3, ["⋯ 3 ⋯", "c·3"]), (1, ["c·0", "c·1", "c·2", "c·3"])])
def test_a_short_prompt_is_shown_whole_unless_all_loads_are_at_one_token(at: int, texts: list[str]) -> None:
    answer, head = Node("answer", "answer", 3), Node("L0.H0", "head", 3, 0)
    edges = (Edge(head, answer, "unembed", 1.0), Edge(Node("embed", "token", at), head, "V", 0.5))
    graph = Graph(tuple(f"c·{index}" for index in range(4)), Answer("on", 0.5), edges, 0, "all")
    assert [each.text for each in picture(graph, "short", []).tokens] == texts


def test_the_file_is_one_drawing_and_text_in_it_is_only_text(tmp_path: Path) -> None:
    evil = '</text><script>alert(1)</script>\u202e\x1b&"'
    head, answer = Node("L0.H0", "head", 1, 0, evil), Node("answer", "answer", 1)
    graph = Graph(("a·0", evil), Answer(evil, math.nan), (Edge(head, answer, "unembed", -1.0),), 0, evil)
    text = svg(picture(graph, evil, [evil]))
    root = ElementTree.fromstring(text)
    names = {element.tag.partition("}")[2] for element in root.iter()}
    assert names <= {"svg", "title", "style", "text", "g", "path", "rect"}
    assert not any(ord(character) < 32 and character != "\n" for character in text)
    assert "\u202e" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_it_is_saved_and_shown(case: Planted, tmp_path: Path) -> None:
    drawn = ls.picture(case.circuit(), case.task.judge)
    assert drawn.save(tmp_path / "a.svg").read_text(encoding="utf-8") == drawn.svg
    assert drawn._repr_mimebundle_()["image/svg+xml"] == drawn.svg
    (view,) = ls.show(drawn).document["sections"][0]["figures"][0]["views"]
    assert view["schema"] == "loadstore/picture@1"
    with pytest.raises(BadRequest, match=r"give on=task\.judge"):
        ls.picture(case.circuit())
    with pytest.raises(BadRequest, match="top=0: expected at least one load"):
        ls.picture(case.circuit(), case.task.judge, top=0)
