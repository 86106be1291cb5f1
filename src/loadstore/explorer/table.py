"""Every question that the page can ask, by the name in its address: ``POST /api/<name>``.

A quick one is answered at once. A slow one reads its question at once and gives back the work, which tells its
progress line by line and can be hung up on.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from loadstore.explorer import (
    address,
    channel,
    find,
    intervene,
    listing,
    memory,
    model,
    prompt,
    question,
    switch,
    walk,
    wires,
)
from loadstore.explorer.ask import Ask
from loadstore.explorer.state import Document, Explorer
from loadstore.progress import Progress

Quick: TypeAlias = Callable[[Explorer, Ask], Document | bytes]
Slow: TypeAlias = Callable[[Explorer, Ask], Callable[[Progress], Document]]

QUICK: Mapping[str, Quick] = {
    "model": model.model,
    "run": prompt.run_prompt,
    "patterns": prompt.patterns,
    "head": prompt.head,
    "question": question.question,
    "channel": channel.channel,
    "address": address.address,
    "decoded": address.decoded,
    "steps": address.steps,
    "effect": intervene.effect,
    "listing": listing.listing,
    "memory": memory.memory,
    "store": memory.store,
    "circuit/tasks": find.tasks,
    "circuit/switch": switch.switch,
}
SLOW: Mapping[str, Slow] = {
    "controls": intervene.controls,
    "nulls": address.nulls,
    "verify": listing.verify,
    "walk": walk.walk,
    "wires": wires.wires,
    "circuit/find": find.find,
    "circuit/picture": switch.at_pair,
}
ASIDE = frozenset({"nulls", "circuit/picture"})
"""Slow questions that fill in a picture which is there already: they wait for no other."""
