"""Which loads a picture draws: the strongest that lead to the answer, each where it is loaded."""

import pytest
from circuits.planted import planted
from each import each
from served import builtin

import loadstore as ls
from loadstore.circuits.graph_of_pair import pair_graph
from loadstore.decomposition.graph import Edge, Node, merged, strongest
from loadstore.decomposition.graph_of_listing import listing_graph
from loadstore.errors import BadRequest, NotThisModel

ANSWER = Node("answer", "answer", 2)
TOKENS = [Node("embed", "token", index) for index in range(3)]
HEADS = [Node(f"L{layer}.H0", "head", 2, layer) for layer in range(3)]


def load(source: Node, target: Node, share: float) -> Edge:
    return Edge(source, target, "V", share, ((source.name, target.name),))


def test_the_strongest_are_taken_from_the_answer_down() -> None:
    straight, low = load(HEADS[2], ANSWER, 0.5), load(TOKENS[2], ANSWER, -0.2)
    under, loose = load(TOKENS[0], HEADS[2], 0.3), load(TOKENS[1], HEADS[1], 9.0)
    taken, left = strongest([under, low, loose, straight], 3)
    assert taken == [straight, under, low]  # 9.0 leads nowhere
    assert left == 1
    assert strongest([under, low, loose, straight], 1) == ([straight], 3)


@each(("share", "drawn"), [(0.0051, 2), (0.005, 2), (0.0049, 1)])
def test_less_than_a_hundredth_of_the_strongest_is_left(share: float, drawn: int) -> None:
    taken, _ = strongest([load(HEADS[2], ANSWER, 0.5), load(TOKENS[2], ANSWER, share)], 9)
    assert len(taken) == drawn


def test_loads_between_the_same_ends_are_one() -> None:
    one, other = load(TOKENS[0], HEADS[0], 0.25), load(TOKENS[0], HEADS[0], -1.0)
    (both,) = merged([one, other])
    assert both.share == -0.75
    assert both.wires == (*one.wires, *other.wires)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("K", {("embed", 1, "L0.H1", 2, "V"), ("L0.H1", 2, "L1.H2", 5, "K")}),
        ("Q", {("embed", 5, "L1.H2", 5, "Q")}),
        ("V", {("embed", 2, "L1.H2", 5, "V")}),
    ],
)
def test_the_planted_circuit_is_drawn_at_its_tokens(template: str, expected: set[tuple[object, ...]]) -> None:
    """BOS x y z w x: the induction head at the last token loads what the previous-token head stored at y."""
    case = planted()
    pairs = case.task.judge
    found = pair_graph(case.circuit(), pairs, pairs.templates.index(template))
    ends = [(each.source, each.target, each.port) for each in found.edges]
    drawn = {(source.name, source.token, target.name, target.token, port) for source, target, port in ends}
    assert drawn >= expected | {("L1.H2", 5, "answer", 5, "unembed")}
    assert {(str(writer), str(reader)) for writer, reader in case.wires} >= set(found.wires)
    assert sum(abs(each.share) for each in found.edges) == pytest.approx(1, abs=1e-9)  # no load is left out


def test_a_listing_draws_its_own_steps_and_no_constant() -> None:
    model = builtin()
    found = ls.listing(ls.run(model, "the dog sat on the mat. the dog sat"))
    graph = listing_graph(found, {"L1.H4": "induction"}, 6)
    assert len(graph.edges) == 6
    assert {node.role for node in graph.nodes if node.name == "L1.H4"} == {"induction"}
    steps = {(step.site, step.at) for step in found.steps}
    assert all((node.name, node.token) in steps for node in graph.nodes if node.kind in ("head", "mlp"))
    reached = {"answer", *(edge.source.name for edge in graph.edges)}
    assert {edge.target.name for edge in graph.edges} <= reached
    assert (graph.answer.text, graph.answer.probability) == ("␣on", found.probability)


def test_a_pair_that_is_not_there_and_another_model_are_refused() -> None:
    case, other = planted(), planted(seed=1)
    with pytest.raises(BadRequest, match=r"index=99: there are pairs 0 to"):
        pair_graph(case.circuit(), case.task.judge, 99)
    with pytest.raises(NotThisModel):
        pair_graph(case.circuit(), other.task.judge, 0)
