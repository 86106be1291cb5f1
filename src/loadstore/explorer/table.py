"""Every question of the page, by the name in its address: ``POST /api/<name>``.

A quick question is answered at once. A slow one reads its fields at once and returns the work, which streams progress
and can be cancelled by closing the connection.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from loadstore.explorer import (
    address,
    channel,
    compare,
    find,
    intervene,
    listing,
    memory,
    model,
    models,
    prompt,
    question,
    region,
    roles,
    search,
    switch,
    training,
    walk,
    wires,
)
from loadstore.explorer import requests as ask
from loadstore.explorer.ask import asked
from loadstore.explorer.current import Current
from loadstore.explorer.state import Document, Explorer
from loadstore.explorer.work import Pool
from loadstore.progress import Progress

Quick: TypeAlias = Callable[[Any, Any], Document | bytes]
Slow: TypeAlias = Callable[[Any, Any], Callable[[Progress], Document]]

QUICK: Mapping[str, tuple[type[ask.Request], Quick]] = {
    "model": (ask.ModelRequest, model.model),
    "models": (ask.ModelsRequest, models.models),
    "run": (ask.RunRequest, prompt.run_prompt),
    "patterns": (ask.PatternsRequest, prompt.patterns),
    "head": (ask.HeadRequest, prompt.head),
    "question": (ask.QuestionRequest, question.question),
    "compare": (ask.CompareRequest, compare.compare),
    "search": (ask.SearchRequest, search.search),
    "channel": (ask.ChannelRequest, channel.channel),
    "address": (ask.AddressRequest, address.address),
    "decoded": (ask.DecodedRequest, address.decoded),
    "steps": (ask.AddressRequest, address.steps),
    "effect": (ask.EffectRequest, intervene.effect),
    "listing": (ask.QuestionRequest, listing.listing),
    "memory": (ask.MemoryRequest, memory.memory),
    "store": (ask.StoreRequest, memory.store),
    "circuit/tasks": (ask.TasksRequest, find.tasks),
    "circuit/switch": (ask.SwitchRequest, switch.switch),
}
SLOW: Mapping[str, tuple[type[ask.Request], Slow]] = {
    "open": (ask.OpenRequest, models.open_model),
    "roles": (ask.RolesRequest, roles.roles),
    "region": (ask.RegionRequest, region.region),
    "controls": (ask.ControlsRequest, intervene.controls),
    "nulls": (ask.NullsRequest, address.nulls),
    "verify": (ask.VerifyRequest, listing.verify),
    "walk": (ask.WalkRequest, walk.walk),
    "training": (ask.TrainingRequest, training.training),
    "wires": (ask.WiresRequest, wires.wires),
    "circuit/find": (ask.FindRequest, find.find),
    "circuit/picture": (ask.PictureRequest, switch.at_pair),
}
OF_SERVER = frozenset({"model", "models", "open"})
"""Questions about the server as a whole, which receive its current state; others receive one model's explorer."""
POOLS: Mapping[str, Pool] = {"nulls": "aside", "roles": "aside", "circuit/picture": "aside", "open": "opening"}
"""Slow questions that do not queue behind an analysis: they complete an existing picture or open a model."""


def answered(name: str, shown: Explorer | Current, fields: Mapping[str, object]) -> Any:
    """The answer to a question by name, or the work of a slow one. Raises BadRequest for invalid fields."""
    wanted, call = QUICK.get(name) or SLOW[name]
    current = shown if isinstance(shown, Current) else Current(shown)
    return call(current if name in OF_SERVER else current.now.explorer, asked(wanted, fields))
