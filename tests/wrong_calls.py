"""Call every public function, method and head with wrong values; print what raises anything but documented errors.

Run in a process of its own (tests/test_wrong_calls.py), without the shape checks of the tests.
"""

import inspect
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import torch
from depth import deep
from emerged import small_run
from public import public
from tiny import Kind, tiny

import loadstore as ls
from loadstore.corpora.corpus import read_corpus
from loadstore.errors import LoadstoreError
from loadstore.sites import parse_reader, parse_writer

CALLED = ("metric", "progress", "estimate")
IDS = [3, 1, 4, 1, 5, 9]
WRONG = {
    "None": None,
    "a text": "\x1b[31m no such thing",
    "an empty text": "",
    "a glob of nothing": "L99.*",
    "True": True,
    "0": 0,
    "-1": -1,
    "a huge number": 10**12,
    "beyond 64 bits": 2**70,
    "a float": 1.5,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "complex": 1 + 2j,
    "bytes": b"\xff\x00",
    "an empty list": [],
    "a list of None": [None],
    "a mixed list": ["L0.H0", 3, 2.5],
    "a nested list": [[[1, 2]], [[3]]],
    "a dict": {"a": 1},
    "a set": {1, 2},
    "an empty tensor": torch.empty(0),
    "a tensor of NaN": torch.full((2, 3), torch.nan),
    "an array": np.zeros((2, 2, 2)),
    "an object": object(),
    "a function": lambda *a, **k: None,
    "a class": Path,
    "a range": range(10**9, 10**9 + 3),
}


EXPERTS = Kind("rotary", "rms", False, "gated", kv=2, experts="alone")


def right_calls() -> dict[str, dict[str, object]]:
    """A right call of every public function."""
    model = tiny(Kind("learned", "layer", True, "gelu"))
    trace = ls.run(model, IDS)
    head = "L1.H0"
    task = ls.task(model, "induction", pairs=8)
    ranked = ls.attribute(task)
    measured = ls.statistics.moments(model, read_corpus(model, [IDS, IDS[::-1]]))
    space = ls.policies.subspace(model, [3, 4])
    policy = ls.policies.Policy({"p": space}, load={"p": "!L1.H0.K"})
    return {
        "Circuit": {
            **{"model": "tiny", "model_digest": "0" * 64, "task": "own", "metric": "m", "method": "mask"},
            **{"ablation": "counterfactual", "norms": "free", "live": 10, "attributions": [0.5]},
            "wires": [(parse_writer("embed"), parse_reader("unembed"))],
        },
        "Task": {
            **{"model": model, "metric": ls.logit_difference(3, 4), "splits": ["find", "choose", "judge"]},
            **{"clean": [[1, 2], [3, 4], [5, 6]], "counterfactual": [[7, 2], [8, 4], [9, 6]]},
        },
        "ablate": {"writer": head},
        "ablation_effects": {"weights": model, "heads": [head], "on": torch.tensor([IDS])},
        "address": {"trace": trace, "head": head, "at": 4},
        "Policy": {"protect": {"p": space}, "load": {"p": "*"}, "store": {"p": []}, "declassify": {}},
        "Subspace": {"rows": space.rows, "source": "mine"},
        "audit": {"weights": model, "policy": policy, "corpus": measured, "draws": 2},
        "enforce": {"weights": model, "policy": policy},
        "leak_test": {
            **{"weights": model, "policy": policy, "labels": [0, 1] * 5, "readers": "L1.H0.K", "controls": 1},
            "prompts": [[i, i + 1] for i in range(10)],
        },
        "policy_edits": {"weights": model, "policy": policy},
        "subspace": {"weights": model, "source": [[1, 2], [3, 4]], "labels": [0, 1], "layer": 1, "at": 1},
        "attribute": {"task": task, "points": 1},
        "channel_tokens": {"weights": model, "writer": "L0.H0", "reader": "L1.H0.K", "channel": 1},
        "channels": {"weights": model, "writer": "L0.H0", "readers": "L1.H0.K"},
        "circuit": {"ranked": ranked, "size": 9, "on": task.choose},
        "copying": {"weights": model, "heads": head},
        "curve": {"ranked": ranked, "pairs": task.choose, "sizes": [0.1]},
        "cut": {"writer": "L0.H0", "reader": "L1.H0.K"},
        "dossier": {"weights": model, "head": head, "sequences": 2},
        "effect": {"weights": model, "prompt": IDS, "edits": [ls.ablate(head)], "metric": ls.metrics.kl()},
        "emergence": {"runs": small_run(Path(mkdtemp())), "pairs": 3},
        "faithfulness": {"circuit": ls.circuit(ranked, 9), "pairs": task.choose},
        "freeze": {"what": "patterns", "source": trace},
        "picture": {"result": ls.listing(trace), "index": 0, "top": 3, "roles": {}},
        "prove": {"circuit": ls.circuit(ranked, 9), "pairs": task.judge, "controls": 2, "sampled": 2, "null": 2},
        "head_roles": {"weights": model, "sequences": 2},
        "induction_answers": {"trace": trace, "at": 3, "heads": [head]},
        "induction_circuits": {"weights": model, "controls": 2, "sequences": 2},
        "key_composition": {"weights": model, "later": head, "earlier": "L0.H0"},
        "kl": {},
        "lifetimes": {"weights": model, "corpus": measured, "checks": 2},
        "listing": {"trace": trace},
        "load": {"source": "builtin"},
        "load_totals": {"trace": trace},
        "log_probability": {"token": 3},
        "logit_difference": {"token": 3, "against": 4},
        "logit_parts": {"trace": trace, "at": 4, "token": 3},
        "loss": {},
        "matched": {"weights": model, "head": head},
        "memory_map": {"weights": model, "corpus": measured},
        "moments": {"weights": model, "corpus": read_corpus(model, [IDS])},
        "moved": {"weights": model, "head": head},
        "output_parts": {"trace": trace, "head": head, "at": 4},
        "patch": {"writer": head, "source": trace},
        "path": {"weights": model, "heads": ["L0.H0", head]},
        "pattern_entry": {"head": head, "query": 3, "key": 1},
        "probability_difference": {"token": 3, "against": 4},
        "positional_qk": {"weights": model, "head": head},
        "reach": {"weights": model, "corpus": measured},
        "residual_parts": {"trace": trace, "layer": 1, "at": 4},
        "router_address": {"trace": ls.run(tiny(EXPERTS), IDS), "layer": 1, "at": 4},
        "run": {"weights": model, "prompt": IDS},
        "score_parts": {"trace": trace, "head": head, "query": 4, "key": 1},
        "show": {"result": trace},
        "spectrum": {"weights": model},
        "stream_moments": {"weights": model, "corpus": measured},
        "store_loads": {"trace": trace, "writer": "L0.H0", "at": 3},
        "subspace_scores": {"weights": model, "readers": "L1.H0.K"},
        "sweep": {"trace": trace, "wires": "L0.H0 -> L1.H0.K", "metric": ls.metrics.loss()},
        "task": {"weights": model, "name": "induction", "pairs": 8},
        "term_importance": {"weights": tiny(Kind("learned", "none", False)), "corpus": [IDS]},
        "traffic": {"weights": model, "corpus": measured},
        "verify": {"listing": ls.listing(trace), "controls": 2, "replicates": 2},
        "walk": {"trace": trace, "head": head, "at": 4},
        "wires": {"weights": model, "corpus": measured, "readers": "L1.H0.K"},
    }


def some_wrong(turn: int) -> list[tuple[str, object]]:
    """By night every wrong value; by day every second one, from the first or the second on."""
    return list(WRONG.items())[deep(slice(None), usual=slice(turn % 2, None, 2))]


def attack() -> int:
    """Try every argument of every function with wrong values; returns how many calls were made."""
    right = right_calls()
    trace = right["address"]["trace"]
    calls = turns = 0
    functions = {name.rpartition(".")[2]: function for name, function in public().items()}
    for name, given in right.items():
        function = functions[name]
        function(**given)
        for parameter in inspect.signature(function).parameters:
            turns += 1
            for what, value in some_wrong(turns):
                if value is Path and parameter in CALLED:
                    continue  # what the caller's own function raises is the caller's
                if parameter == "resume" and isinstance(value, str) and value:
                    continue  # a name for a file, if a strange one
                calls += 1
                _tried(f"{name} {parameter}", what, lambda f=function, a={**given, parameter: value}: f(**a))
    for name in ("pattern", "scores", "written", "store", "residual", "routing", "top", "prompt"):
        for what, value in WRONG.items():
            calls += 1
            _tried(f"Trace.{name}", what, lambda n=name, v=value: getattr(trace, n)(v))
    for what, value in WRONG.items():
        calls += 2
        _tried("Head layer", what, lambda v=value: ls.Head(v, 0))
        _tried("Head index", what, lambda v=value: ls.Head(0, v))
    return calls


def _tried(where: str, what: str, call) -> None:
    try:
        call()
    except LoadstoreError:
        pass
    except Exception as error:
        print(f"{where} = {what}: {type(error).__name__}: {str(error)[:90]!r}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(attack(), "calls")
