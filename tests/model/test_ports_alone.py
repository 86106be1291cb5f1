"""What a site writes or reads is decided in ``model`` alone: everything above it asks ports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import loadstore
from loadstore.model.ports.table import READINGS, WRITINGS

SOURCE = Path(loadstore.__file__).parent
BELOW = ("model", "checkpoints", "training")  # they make the weights
MATRICES = {"W_pos", "W_O", "b_O", "W_in", "W_gate", "W_out", "b_in", "b_gate", "b_out", "q_norm", "k_norm", "mlp_norm"}
KINDS = {*WRITINGS, *READINGS} - {""}
LISTING = "a load of a listing: its kind is a column of what is printed"
DRAWN = "where a site stands in a picture: heads and MLPs above tokens"
SENTENCE = "a sentence names the tokens that a head loads from, or the matrix of a site"
BY_KIND = {  # where a branch is about what a site is called or shown as, not about what it writes or reads
    "sites.py": "the names themselves",
    "circuits/completeness.py": "the sites that are removed: heads and MLPs",
    "circuits/connected.py": "which readers a head or an MLP loads through, and the heads behind one norm",
    "circuits/graph_of_pair.py": DRAWN,
    "circuits/groups.py": "the lines of a program",
    "circuits/live.py": "which writers can differ, and the readers through which each loads",
    "circuits/mib_names.py": "the names that MIB gives",
    "circuits/viewer.py": "the names and rows that a viewer of graphs gives",
    "decomposition/graph.py": DRAWN,
    "decomposition/graph_of_listing.py": DRAWN,
    "decomposition/listing.py": LISTING,
    "decomposition/loads.py": LISTING,
    "decomposition/program.py": LISTING,
    "decomposition/search.py": LISTING + "; a head has three loads and a pattern, an MLP has one load",
    "evidence/claimed.py": LISTING,
    "execution/attention.py": "the forward pass, which edits heads together",
    "execution/plan.py": "which heads a glob freezes",
    "execution/options.py": "which writers have channels in a run",
    "execution/record.py": "what a pass recorded, by site: the one place that ports do not know",
    "explorer/memory.py": "the rows of a picture",
    "explorer/search.py": "the words of a search that name a writer",
    "figures/picture/cuts.py": DRAWN,
    "figures/picture/boxes.py": DRAWN,
    "figures/picture/layout.py": DRAWN,
    "figures/prediction/log_odds.py": SENTENCE,
    "figures/prediction/stream.py": SENTENCE,
    "figures/subject/close_look.py": "the heads that a picture lists",
    "figures/wires/subspace_score.py": SENTENCE,
    "scores/siblings.py": "the null that permutes heads",
}
FORWARD = "the forward pass, which the tests of ports compare them with"
CIRCUIT = "the runs of a circuit, which tests/circuits compare with the forward pass and its edits"
FIGURE = "a figure that computes the formula it shows by itself"
BY_MATRIX = {
    "circuits/reads.py": CIRCUIT,
    "circuits/replaced.py": CIRCUIT,
    "circuits/uniform.py": CIRCUIT,
    "execution/attention.py": FORWARD,
    "execution/forward.py": FORWARD,
    "figures/heads/formulas.py": FIGURE,
    "figures/wires/moved.py": FIGURE,
    "figures/subject/of_model.py": "a copy of the model with W_pos negated",
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if name.split("/")[0] not in BELOW:
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def strings(node: ast.expr) -> set[object]:
    """The literals in an expression."""
    return {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}


def compared(tree: ast.Module, attribute: str) -> Iterator[set[object]]:
    """The literals that something's attribute is compared or matched with."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Attribute) and side.attr == attribute for side in sides):
                yield set().union(*map(strings, sides))
        elif isinstance(node, ast.Match) and isinstance(node.subject, ast.Attribute) and node.subject.attr == attribute:
            patterns = [part for case in node.cases for part in ast.walk(case.pattern)]
            yield set().union(*(strings(part.value) for part in patterns if isinstance(part, ast.MatchValue)))


def test_no_file_above_compares_the_scheme_of_positions_with_a_literal() -> None:
    found = [
        name
        for name, tree in sources()
        if any(any(isinstance(v, str) for v in some) for some in compared(tree, "positions"))
    ]
    assert found == []


def test_only_files_with_a_reason_branch_on_the_kind_of_a_site() -> None:
    found = {name for name, tree in sources() if any(some & KINDS for some in compared(tree, "kind"))}
    assert found <= set(BY_KIND)


def test_only_files_with_a_reason_read_the_matrices_that_ports_hand_out() -> None:
    found = {
        name
        for name, tree in sources()
        if any(isinstance(node, ast.Attribute) and node.attr in MATRICES for node in ast.walk(tree))
    }
    assert found <= set(BY_MATRIX)
