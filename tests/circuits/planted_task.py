"""The pairs of a planted circuit: ``BOS x y z w x``, of three templates, in three splits."""

from random import Random

from loadstore.causal.metrics import logit_difference
from loadstore.circuits.task import Task
from loadstore.model.weights import Weights

VOCAB = 16
BOS, BAR = 0, VOCAB - 1
TEMPLATES = ("K", "Q", "V")
SPLITS = {"find": 6, "choose": 3, "judge": 6}
"""Pairs of each split, as many of each template."""


def planted_task(model: Weights, random: Random) -> Task:
    """The task; no two pairs share a prompt."""
    clean, other, good, splits, templates = [], [], [], [], []
    seen: set[tuple[int, ...]] = set()
    for split, count in SPLITS.items():
        for index in range(count):
            template = TEMPLATES[index % len(TEMPLATES)]
            while True:
                x, y, z, w = random.sample(range(1, BAR), 4)
                ids = (BOS, x, y, z, w, x)
                changed = {"K": (BOS, z, y, x, w, x), "Q": (BOS, x, y, z, w, z), "V": (BOS, x, w, z, y, x)}[template]
                if not seen & {ids, changed}:
                    break
            seen |= {ids, changed}
            clean.append(list(ids))
            other.append(list(changed))
            good.append(y)
            splits.append(split)
            templates.append(template)
    return Task(model, clean, other, logit_difference(good, BAR), "planted", 0, splits, templates)
