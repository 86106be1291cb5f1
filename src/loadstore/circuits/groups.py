"""Groups the wires of a circuit: heads of one layer and role, bands of MLPs, and the loads between groups.

A *load* is a group of readers that load through one side, with all wires into it, grouped by their writers. Every wire
is in exactly one load, and in exactly one of its parts. Tests: tests/circuits/test_program.py.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from loadstore.sites import SIDES, Reader, Writer

BAND = 8  # maximum layers of one band of MLPs
NAMED = 5  # maximum heads of a group that are named one by one
PARTS = 6  # maximum groups of writers in one load; the weakest are merged

Wires = Sequence[tuple[Writer, Reader]]
Key = tuple[int, int, str, int]


@dataclass(frozen=True)
class Part:
    """The wires of a load that come from one group of writers.

    Args:
        name: The writers, as in ``L4–L11 MLPs``.
        wires: Indices of the wires.
    """

    name: str
    wires: tuple[int, ...]


@dataclass(frozen=True)
class Load:
    """All wires into one group of readers through one side.

    Args:
        name: The readers, as in ``L12.H0,H3.K (induction)``.
        parts: Its wires by groups of writers, strongest first.
    """

    name: str
    parts: tuple[Part, ...]

    @property
    def wires(self) -> tuple[int, ...]:
        """Indices of its wires."""
        return tuple(index for part in self.parts for index in part.wires)


def loads_of(wires: Wires, strengths: Sequence[float], roles: Mapping[str, str] | None = None) -> list[Load]:
    """Group the wires of a circuit.

    Args:
        wires: The wires.
        strengths: A non-negative number for each wire.
        roles: The roles of heads by their names; heads without a role form a group of their own.

    Returns:
        Loads, ordered by the depth of their readers.
    """
    roles = roles or {}
    starts = _band_starts(reader.layer for _, reader in wires if reader.side == "mlp")
    groups: dict[Key, list[int]] = defaultdict(list)
    for index, (_, reader) in enumerate(wires):
        groups[_reader_key(reader, starts, roles)].append(index)
    return [
        Load(_readers_name([wires[index][1] for index in indices], key[2]), _parts(wires, strengths, indices, roles))
        for key, indices in sorted(groups.items())
    ]


def strongest(loads: Sequence[Load], strengths: Sequence[float], most: int) -> list[Load]:
    """The ``most`` strongest loads, in order of depth; of equal ones the earlier."""
    values = np.array([sum(strengths[index] for index in load.wires) for load in loads])
    kept = sorted(np.argsort(-values, kind="stable")[:most].tolist())
    return [loads[position] for position in kept]


def _reader_key(reader: Reader, starts: Mapping[int, int], roles: Mapping[str, str]) -> Key:
    if reader.is_unembed:
        return (1 << 30, 0, "", 0)
    if reader.is_part:
        return (reader.layer, 1, str(reader), 0)
    if reader.is_mlp:
        return (starts[reader.layer], 1, "", 0)
    return (reader.layer, 0, roles.get(str(reader.head), ""), SIDES.index(reader.head_side))


def _parts(
    wires: Wires, strengths: Sequence[float], indices: Sequence[int], roles: Mapping[str, str]
) -> tuple[Part, ...]:
    """The wires of one load by groups of writers, strongest first; the weakest groups are merged."""
    starts = _band_starts(wires[index][0].layer for index in indices if wires[index][0].kind == "mlp")
    groups: dict[tuple[str, int, str], list[int]] = defaultdict(list)
    for index in indices:
        writer = wires[index][0]
        layer = starts[writer.layer] if writer.kind == "mlp" else writer.layer
        groups[writer.kind, layer, str(writer) if writer.is_part else roles.get(str(writer), "")].append(index)
    order = sorted(groups, key=lambda key: (-sum(strengths[index] for index in groups[key]), key))
    rest = order[PARTS - 1 :] if len(order) > PARTS else []
    parts = [
        Part(_writers_name({wires[index][0] for index in groups[key]}, key[2]), tuple(groups[key]))
        for key in order[: len(order) - len(rest)]
    ]
    if rest:
        others = tuple(index for key in rest for index in groups[key])
        parts.append(Part(_others_name({wires[index][0] for index in others}), others))
    return tuple(parts)


def _band_starts(layers: Iterable[int]) -> dict[int, int]:
    """The first layer of each layer's band: bands have no gaps and at most ``BAND`` layers."""
    starts: dict[int, int] = {}
    for layer in sorted(set(layers)):
        start = starts.get(layer - 1, layer)
        starts[layer] = start if layer - start < BAND else layer
    return starts


def _readers_name(readers: Sequence[Reader], role: str) -> str:
    first = readers[0]
    if first.is_unembed:
        return "unembed"
    if first.is_part:
        return str(first)
    if first.is_mlp:
        return _mlps({reader.layer for reader in readers})
    return f"{heads_name({(reader.layer, reader.index) for reader in readers})}.{first.side}{_in_brackets(role)}"


def _writers_name(writers: set[Writer], role: str) -> str:
    first = next(iter(writers))
    kind = first.kind
    if first.is_part:
        return str(first)
    if kind == "head":
        return heads_name({(writer.layer, writer.index) for writer in writers}) + _in_brackets(role)
    return _mlps({writer.layer for writer in writers}) if kind == "mlp" else kind


def _others_name(writers: set[Writer]) -> str:
    kinds = {writer.kind for writer in writers}
    what = "heads" if kinds == {"head"} else "MLPs" if kinds == {"mlp"} else "writers"
    layers = sorted({writer.layer for writer in writers if writer.layer >= 0})
    of = "" if not layers else f" of L{layers[0]}" if len(layers) == 1 else f" of L{layers[0]}–L{layers[-1]}"
    return f"{len(writers)} other {what}{of}"


def heads_name(heads: set[tuple[int, int]]) -> str:
    """``L12.H0,H3``; above ``NAMED`` heads, the first, the last and the number of heads."""
    layer = next(iter(heads))[0]
    names = [f"H{index}" for _, index in sorted(heads)]
    return f"L{layer}." + (",".join(names) if len(names) <= NAMED else f"{names[0]}…{names[-1]} [{len(names)}]")


def _mlps(layers: set[int]) -> str:
    return f"L{min(layers)}.mlp" if len(layers) == 1 else f"L{min(layers)}–L{max(layers)} MLPs"


def _in_brackets(role: str) -> str:
    return f" ({role})" if role else ""
