"""What an option is if it is not given: as the Python call, and as the pages say; and which numbers are taken."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli.conftest import Run
from each import each

from loadstore.circuits.attribution import attribute
from loadstore.circuits.named import task
from loadstore.circuits.prove import prove as prove_circuit
from loadstore.circuits.sized import circuit as take
from loadstore.cli import (
    analyse,
    demo,
    discover,
    emergence,
    explore,
    head,
    lifetimes,
    listing,
    maps,
    patch,
    permissions,
    prove,
    reach,
    report,
    sweep,
    tasks,
    train,
    vocabulary_map,
    wires,
)
from loadstore.decomposition.listing import listing as find
from loadstore.evidence.dossier import dossier
from loadstore.evidence.verify import verify as prove_listing
from loadstore.heads.roles import head_roles
from loadstore.memory.lifetime import lifetimes as measure_lifetimes
from loadstore.memory.memory_map import memory_map
from loadstore.memory.reach import reach as measure_reach
from loadstore.permissions.audit import audit
from loadstore.scores.scores import subspace_scores

NOWHERE = "nowhere.safetensors"  # a model that is not there: options are read before it is looked for


def default(function: Callable[..., Any], name: str) -> Any:
    return inspect.signature(function).parameters[name].default


@each(
    ("command", "call", "names"),
    [
        (listing.listing, find, ["share"]),
        (listing.verify, find, ["share"]),
        (listing.verify, prove_listing, ["controls", "replicates"]),
        (maps.maps, memory_map, ["share", "tokens"]),
        (lifetimes.lifetimes, measure_lifetimes, ["whiten", "tokens"]),
        (reach.reach, measure_reach, ["effect", "tokens"]),
        (analyse.heads, head_roles, ["on", "sequences", "seed"]),
        (analyse.scores, subspace_scores, ["norms", "control", "null", "seed"]),
        (head.head, dossier, ["sequences", "seed", "offset"]),
        (tasks.tasks, task, ["pairs", "seed"]),
        (discover.discover, task, ["pairs", "seed"]),
        (discover.discover, attribute, ["method", "points", "ablation", "norms"]),
        (discover.discover, take, ["by"]),
        (permissions.audit, audit, ["threshold", "draws", "seed", "tokens"]),
        (prove.prove, prove_circuit, ["controls", "sampled", "null", "seed", "resume"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_command_and_its_python_call_have_the_same_defaults(
    command: Callable[..., Any], call: Callable[..., Any], names: list[str]
) -> None:
    assert {name: default(command, name) for name in names} == {name: default(call, name) for name in names}


@each(
    ("command", "expected"),
    [
        (listing.listing, {"share": 0.9, "top": default(find, "top"), "at": "-1", "json": False}),
        (listing.verify, {"controls": 20, "replicates": 8, "at": "-1", "paraphrase": None}),
        (patch.patch, {"top": 20, "at": "-1", "where": None, "counterfactual": None}),
        (wires.wires, {"top": 10, "writer": "*", "reader": "*", "exact": False, "effect": False, "tokens": None}),
        (maps.maps, {"writer": "*", "share": 0.9, "top": 3, "corpus": "default"}),
        (lifetimes.lifetimes, {"writer": "*", "checks": 200, "whiten": False, "corpus": "default"}),
        (analyse.scores, {"top": 20, "norms": "fold", "null": "rotation", "bos": "model"}),
        (analyse.heads, {"on": "repeats", "sequences": 20, "seed": 0}),
        (head.head, {"top": 6, "model": "builtin"}),
        (vocabulary_map.vocabulary_map, {"kind": "sum", "top": 10}),
        (discover.discover, {"model": "builtin", "task": "induction", "size": "F>=.85", "out": None}),
        (tasks.tasks, {"model": "builtin", "task": None, "pairs": None, "seed": 0, "out": None}),
        (explore.explore, {"host": "127.0.0.1", "port": None, "browser": True, "at": None}),
        (permissions.audit, {"corpus": "default", "every": False}),
        (permissions.enforce, {"corpus": "default", "ungroup": False, "tokens": None}),
        (report.report, {"out": Path("report.html"), "at": None}),
        (train.train, {"out": Path("run"), "threads": 0, "overwrite": False}),
        (emergence.emergence, {"out": None, "pairs": 16}),
        (sweep.sweep, {"out": Path("sweep"), "engine": "local", "workers": None, "dry_run": False}),
        (demo.demo_induction, {"out": Path("demo-induction"), "threads": 1, "overwrite": False}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_defaults_are_those_of_the_pages(command: Callable[..., Any], expected: dict[str, object]) -> None:
    assert {name: default(command, name) for name in expected} == expected


@each(
    "words",
    [
        "verify {} --controls 0",
        "verify {} --replicates 1",
        "listing {} --top 0",
        "patch {} --top -1",
        "wires {} --top -1",
        "wires {} --tokens 0",
        "scores {} --top -1",
        "scores {} --seed -1",
        "heads {} --sequences 0",
        "heads {} --sequences 10001",
        "head {} L0.H0 --sequences 0",
        "vocabulary-map {} L0.H0 --top 0",
        "tasks {} --pairs 2",
        "tasks {} --pairs 10001",
        "tasks {} --seed -1",
        "discover {} --pairs 2",
        "discover {} --pairs 10001",
        "discover {} --seed -1",
        "discover {} --points 0",
        "discover {} --points 1001",
        "audit {0} {0} --draws 1",
        "explore {} --port 65536",
        "explore {} --port -1",
        "train {0} {0} --threads -1",
        "emergence {} --pairs 2",
        "sweep {} --workers -1",
        "sweep {} --workers 1025",
        "demo-induction --recipe {} --threads 0",
    ],
)
def test_a_number_out_of_bounds_is_refused(loadstore: Run, words: str) -> None:
    code, out, err = loadstore(*words.format(NOWHERE).split())
    assert (code, out) == (2, "")
    option = [word for word in words.split() if word.startswith("--")][-1]
    assert f"Invalid value for '{option}'" in err


@each(
    "words",
    [
        "verify {} --controls 1 --replicates 2",
        "listing {} --top 1",
        "patch {} --top 0",
        "wires {} --top 0 --tokens 1",
        "scores {} --top 0 --seed 0",
        "heads {} --sequences 1",
        "heads {} --sequences 10000",
        "vocabulary-map {} L0.H0 --top 1",
        "tasks {} --pairs 3 --seed 0",
        "tasks {} --pairs 10000",
        "discover {} --pairs 3 --seed 0 --points 1",
        "discover {} --pairs 10000 --points 1000",
        "explore {} --port 0",
        "explore {} --port 65535",
        "train {0} {0} --threads 0",
        "emergence {} --pairs 3",
        "sweep {} --workers 0",
        "sweep {} --workers 1024",
        "demo-induction --recipe {} --threads 1",
    ],
)
def test_the_bounds_themselves_are_taken(loadstore: Run, words: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = loadstore(*words.format(NOWHERE).split())
    assert code == 2
    assert NOWHERE in err  # what is refused is the model or the recipe
    assert "Invalid value" not in err
