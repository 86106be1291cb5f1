"""The three splits of a task: find, choose and judge. They share no prompt and no filler.

Of n pairs ⌊3n/8⌋ are for *find*, ⌊n/8⌋ for *choose* and the rest for *judge*, at least one each.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from loadstore.circuits.example import Example
from loadstore.errors import BadRequest
from loadstore.quote import quote

SPLITS: tuple[str, ...] = ("find", "choose", "judge")
T = TypeVar("T")


def shares(pairs: int) -> tuple[int, int, int]:
    """The numbers of pairs for find, choose and judge. Raises BadRequest below three pairs."""
    if pairs < len(SPLITS):
        raise BadRequest(f"a task needs at least one pair to find, to choose and to judge; got {pairs} in all")
    find, choose = max(1, 3 * pairs // 8), max(1, pairs // 8)
    return find, choose, pairs - find - choose


def divided(values: Sequence[T], least: int, random: Random) -> dict[str, list[T]]:
    """Shuffle values and divide them between the splits by their shares, ``least`` or more each while they last."""
    order = random.sample(values, len(values))
    find = max(least, 3 * len(order) // 8)
    choose = max(least, len(order) // 8)
    return dict(zip(SPLITS, (order[:find], order[find : find + choose], order[find + choose :]), strict=True))


def drawn(examples: Sequence[Example], seed: int) -> tuple[str, ...]:
    """Draw a split for each example; examples that share a prompt or a filler stay together. Raises BadRequest."""
    wanted = dict(zip(SPLITS, shares(len(examples)), strict=True))
    groups = _connected(examples)
    if len(groups) < len(SPLITS):
        raise BadRequest(
            f"the {len(examples)} pairs share prompts or fillers, so that they fall into {len(groups)} "
            f"group{'s' * (len(groups) > 1)} and not into three splits; give pairs with other words"
        )
    Random(f"splits {seed}").shuffle(groups)
    groups.sort(key=len, reverse=True)
    assigned = [""] * len(examples)
    left = dict(wanted)
    for index, group in enumerate(groups):
        empty = [split for split in SPLITS if left[split] == wanted[split]]
        open_ = empty if len(groups) - index <= len(empty) else SPLITS
        split = max(open_, key=lambda name: left[name] / wanted[name])
        left[split] -= len(group)
        for member in group:
            assigned[member] = split
    return tuple(assigned)


def check_splits(examples: Sequence[Example]) -> None:
    """Raise BadRequest for an unknown or empty split, and for a prompt or filler that occurs in two splits."""
    for number, example in enumerate(examples):
        if example.split not in SPLITS:
            raise BadRequest(
                f"pair {number} has the split {quote(repr(example.split), 40)}; expected {', '.join(SPLITS)}, "
                "for every pair or for none"
            )
    if lacking := [split for split in SPLITS if all(example.split != split for example in examples)]:
        raise BadRequest(f"no pair is in the split {lacking[0]}; give at least one pair for each of the three")
    owners: dict[tuple[str, object], str] = {}
    for number, example in enumerate(examples):
        for key in _keys(example):
            other = owners.setdefault(key, example.split)
            if other != example.split:
                raise BadRequest(
                    f"fillers shared between splits: {key[0]} {quote(repr(key[1]), 60)} of pair {number} is in {other} "
                    f"and in {example.split}; every split needs its own words"
                )


def _keys(example: Example) -> list[tuple[str, object]]:
    """The prompts and fillers of an example, which no two splits may share."""
    prompts = [text if isinstance(text, str) else tuple(text) for text in (example.clean, example.counterfactual)]
    return [*(("the prompt", prompt) for prompt in prompts), *(("the filler", word) for word in example.fillers)]


def _connected(examples: Sequence[Example]) -> list[list[int]]:
    """The groups of examples that share prompts or fillers, directly or through others."""
    parent = list(range(len(examples)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[tuple[str, object], int] = {}
    for index, example in enumerate(examples):
        for key in _keys(example):
            parent[root(index)] = root(first.setdefault(key, index))
    groups: dict[int, list[int]] = {}
    for index in range(len(examples)):
        groups.setdefault(root(index), []).append(index)
    return list(groups.values())
