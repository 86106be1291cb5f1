"""A right call of every public function on any model; a prerequisite that the model refuses refuses the call."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

import loadstore as ls
from loadstore.corpora.corpus import read_corpus
from loadstore.errors import Undefined
from loadstore.model.wiring import wiring
from loadstore.sites import parse_reader, parse_writer

Arguments = dict[str, Any]


class Calls:
    """The values that right calls on one model take."""

    def __init__(self, model: ls.Weights, seed: int) -> None:
        self.model, shape = model, model.architecture
        self.network = wiring(model)
        generator = torch.Generator().manual_seed(seed)

        def draw(count: int) -> list[int]:
            return torch.randint(shape.vocab, (min(count, shape.context),), generator=generator).tolist()

        self.ids, self.others = draw(6), draw(6)
        self.prompts = [draw(5) for _ in range(10)]
        self.head, self.first = str(shape.heads[-1]), str(shape.heads[0])
        self.reader = f"{self.head}.K"
        self.writer = self.first if shape.n_layers > 1 else "embed"
        self.tokens = [0, shape.vocab - 1]
        self.last = len(self.ids) - 1
        self.offset = None if shape.rotary is None else 0

    @cached_property
    def trace(self) -> ls.Trace:
        return ls.run(self.model, self.ids)

    @cached_property
    def ranked(self) -> Any:
        return ls.attribute(self.task, points=1)

    @cached_property
    def task(self) -> ls.Task:
        clean = [[index % self.model.architecture.vocab, *self.ids] for index in range(9)]
        other = [[*row[:-1], (row[-1] + 1) % self.model.architecture.vocab] for row in clean]
        context = self.model.architecture.context
        metric = ls.logit_difference(*self.tokens)
        return ls.Task(self.model, [row[-context:] for row in clean], [row[-context:] for row in other], metric)

    @cached_property
    def measured(self) -> Any:
        return ls.statistics.moments(self.model, self.corpus)

    @cached_property
    def corpus(self) -> Any:
        return read_corpus(self.model, [self.ids, self.others])

    @cached_property
    def space(self) -> Any:
        return ls.policies.subspace(self.model, [0])

    @cached_property
    def policy(self) -> Any:
        return ls.policies.Policy({"p": self.space}, load={"p": f"!{self.reader}"})

    @cached_property
    def circuit(self) -> Any:
        return ls.circuit(self.ranked, min(5, self.ranked.sizes["wire"]))

    @cached_property
    def ids_tensor(self) -> Tensor:
        return torch.tensor([self.ids])


def right_calls(c: Calls) -> dict[str, Callable[[], Arguments]]:
    """The arguments of a call of each function, made when they are needed."""
    return {**_of_a_pass(c), **_of_weights(c), **_of_a_corpus(c), **_of_circuits(c), **_values(c)}


def _of_a_pass(c: Calls) -> dict[str, Callable[[], Arguments]]:
    return {
        "run": lambda: {"weights": c.model, "prompt": c.ids},
        "effect": lambda: {
            **{"weights": c.model, "prompt": c.ids, "edits": [ls.ablate(c.head)], "metric": ls.metrics.kl()}
        },
        "address": lambda: {"trace": c.trace, "head": c.head, "at": c.last},
        "listing": lambda: {"trace": c.trace},
        "verify": lambda: {"listing": ls.listing(c.trace), "controls": 2, "replicates": 2},
        "picture": lambda: {"result": ls.listing(c.trace), "index": 0, "top": 3},
        "show": lambda: {"result": c.trace},
        "load_totals": lambda: {"trace": c.trace},
        "logit_parts": lambda: {"trace": c.trace, "at": c.last, "token": c.tokens[1]},
        "output_parts": lambda: {"trace": c.trace, "head": c.head, "at": c.last},
        "residual_parts": lambda: {"trace": c.trace, "layer": 0, "at": c.last},
        "router_address": lambda: {"trace": c.trace, "layer": 0, "at": c.last},
        "score_parts": lambda: {"trace": c.trace, "head": c.head, "query": c.last, "key": 0},
        "store_loads": lambda: {"trace": c.trace, "writer": c.writer, "at": 0},
        "walk": lambda: {"trace": c.trace, "head": c.head, "at": c.last},
        "induction_answers": lambda: {"trace": c.trace, "at": c.last, "heads": [c.head]},
        "sweep": lambda: {"trace": c.trace, "wires": f"{c.writer} -> {c.reader}", "metric": ls.metrics.loss()},
        "ablation_effects": lambda: {"weights": c.model, "heads": [c.head], "on": c.ids_tensor},
    }


def _of_weights(c: Calls) -> dict[str, Callable[[], Arguments]]:
    return {
        "subspace_scores": lambda: {"weights": c.model, "readers": c.reader},
        "spectrum": lambda: {"weights": c.model, "site": c.first},
        "head_roles": lambda: {"weights": c.model, "sequences": 2},
        "dossier": lambda: {"weights": c.model, "head": c.head, "sequences": 2},
        "induction_circuits": lambda: {"weights": c.model, "controls": 2, "sequences": 2},
        "channel_tokens": lambda: {"weights": c.model, "writer": c.writer, "reader": c.reader, "channel": 1},
        "channels": lambda: {"weights": c.model, "writer": c.writer, "readers": c.reader},
        "copying": lambda: {"weights": c.model, "heads": c.head},
        "key_composition": lambda: {"weights": c.model, "later": c.head, "earlier": c.first, "offset": c.offset},
        "matched": lambda: {"weights": c.model, "head": c.head, "offset": c.offset},
        "moved": lambda: {"weights": c.model, "head": c.head},
        "path": lambda: {"weights": c.model, "heads": [c.first, c.head]},
        "positional_qk": lambda: {"weights": c.model, "head": c.head},
        "load": lambda: {"source": "builtin"},
    }


def _of_a_corpus(c: Calls) -> dict[str, Callable[[], Arguments]]:
    def bare() -> ls.Weights:
        if c.model.architecture.mlp is not None:
            raise Undefined("orders of terms are those of attention alone")
        return c.model

    return {
        "moments": lambda: {"weights": c.model, "corpus": c.corpus},
        "stream_moments": lambda: {"weights": c.model, "corpus": c.measured},
        "traffic": lambda: {"weights": c.model, "corpus": c.measured},
        "wires": lambda: {"weights": c.model, "corpus": c.measured, "readers": c.reader},
        "memory_map": lambda: {"weights": c.model, "corpus": c.measured},
        "lifetimes": lambda: {"weights": c.model, "corpus": c.measured, "checks": 2},
        "reach": lambda: {"weights": c.model, "corpus": c.measured},
        "term_importance": lambda: {"weights": bare(), "corpus": [c.ids]},
        "audit": lambda: {"weights": c.model, "policy": c.policy, "corpus": c.measured, "draws": 2},
        "enforce": lambda: {"weights": c.model, "policy": c.policy},
        "leak_test": lambda: {
            **{"weights": c.model, "policy": c.policy, "labels": [0, 1] * 5, "readers": c.reader, "controls": 1},
            "prompts": c.prompts,
        },
        "policy_edits": lambda: {"weights": c.model, "policy": c.policy},
        "subspace": lambda: {"weights": c.model, "source": [[0], [1]], "labels": [0, 1], "layer": 0, "at": 0},
    }


def _of_circuits(c: Calls) -> dict[str, Callable[[], Arguments]]:
    return {
        "task": lambda: {"weights": c.model, "name": "induction", "pairs": 8},
        "attribute": lambda: {"task": c.task, "points": 1},
        "circuit": lambda: {"ranked": c.ranked, "size": 3, "on": c.task.choose},
        "curve": lambda: {"ranked": c.ranked, "pairs": c.task.choose, "sizes": [0.5]},
        "faithfulness": lambda: {"circuit": c.circuit, "pairs": c.task.choose},
        "prove": lambda: {"circuit": c.circuit, "pairs": c.task.judge, "controls": 2, "sampled": 2, "null": 2},
    }


def _values(c: Calls) -> dict[str, Callable[[], Arguments]]:
    ends = (parse_writer("embed"), parse_reader("unembed"))
    return {
        "ablate": lambda: {"writer": c.head},
        "cut": lambda: {"writer": c.writer, "reader": c.reader},
        "freeze": lambda: {"what": "patterns", "source": c.trace},
        "patch": lambda: {"writer": c.head, "source": c.trace},
        "kl": dict,
        "loss": dict,
        "log_probability": lambda: {"token": 0},
        "logit_difference": lambda: {"token": 0, "against": 1},
        "probability_difference": lambda: {"token": 0, "against": 1},
        "pattern_entry": lambda: {"head": c.head, "query": c.last, "key": 0},
        "Subspace": lambda: {"rows": c.space.rows, "source": "mine"},
        "Policy": lambda: {"protect": {"p": c.space}, "load": {"p": "*"}, "store": {"p": []}, "declassify": {}},
        "Task": lambda: {
            **{"model": c.model, "clean": c.task.clean, "counterfactual": c.task.counterfactual},
            "metric": c.task.metric,
        },
        "Circuit": lambda: {
            **{"model": "m", "model_digest": "0" * 64, "task": "own", "metric": "m", "method": "mask", "live": 10},
            **{"ablation": "counterfactual", "norms": "free", "wires": [ends], "attributions": [0.5]},
        },
    }
