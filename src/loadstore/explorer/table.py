"""Every question that the page can ask, by the name in its address: ``POST /api/<name>``.

A quick one is answered at once. A slow one reads its question at once and gives back the work, which tells its
progress line by line and can be hung up on.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

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
    roles,
    search,
    switch,
    walk,
    wires,
)
from loadstore.explorer import requests as ask
from loadstore.explorer.ask import asked
from loadstore.explorer.state import Document, Explorer
from loadstore.progress import Progress

Quick: TypeAlias = Callable[[Explorer, Any], Document | bytes]
Slow: TypeAlias = Callable[[Explorer, Any], Callable[[Progress], Document]]

QUICK: Mapping[str, tuple[type[ask.Request], Quick]] = {
    "model": (ask.ModelRequest, model.model),
    "run": (ask.RunRequest, prompt.run_prompt),
    "patterns": (ask.PatternsRequest, prompt.patterns),
    "head": (ask.HeadRequest, prompt.head),
    "question": (ask.QuestionRequest, question.question),
    "search": (ask.SearchRequest, search.search),
    "channel": (ask.ChannelRequest, channel.channel),
    "address": (ask.AddressRequest, address.address),
    "decoded": (ask.DecodedRequest, address.decoded),
    "steps": (ask.AddressRequest, address.steps),
    "effect": (ask.EffectRequest, intervene.effect),
    "listing": (ask.ListingRequest, listing.listing),
    "memory": (ask.MemoryRequest, memory.memory),
    "store": (ask.StoreRequest, memory.store),
    "circuit/tasks": (ask.TasksRequest, find.tasks),
    "circuit/switch": (ask.SwitchRequest, switch.switch),
}
SLOW: Mapping[str, tuple[type[ask.Request], Slow]] = {
    "roles": (ask.RolesRequest, roles.roles),
    "controls": (ask.ControlsRequest, intervene.controls),
    "nulls": (ask.NullsRequest, address.nulls),
    "verify": (ask.VerifyRequest, listing.verify),
    "walk": (ask.WalkRequest, walk.walk),
    "wires": (ask.WiresRequest, wires.wires),
    "circuit/find": (ask.FindRequest, find.find),
    "circuit/picture": (ask.PictureRequest, switch.at_pair),
}
ASIDE = frozenset({"nulls", "roles", "circuit/picture"})
"""Slow questions that fill in a picture which is there already: they wait for no other."""


def answered(name: str, explorer: Explorer, fields: Mapping[str, object]) -> Any:
    """The answer to a question by name, or the work of a slow one. Raises BadRequest for fields that do not fit."""
    wanted, call = QUICK.get(name) or SLOW[name]
    return call(explorer, asked(wanted, fields))
