"""Selects wires by globs of writers, of readers and of whole wires."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from loadstore.errors import BadRequest
from loadstore.model.globs import matching
from loadstore.model.wiring import Wiring
from loadstore.quote import quote
from loadstore.sites import Reader, Writer

Globs: TypeAlias = str | Sequence[str]


def asked_for(
    network: Wiring, writers: Globs, readers: Globs, where: Globs | None
) -> tuple[list[Writer], list[Reader], np.ndarray]:
    """Writers and readers in depth order, and a Boolean matrix [writer, reader] of the selected pairs.

    ``where``: one or several globs of wires, ``"L0.H* -> L1.*.K"``; sites in no selected pair are left out.
    Raises NoSuchSite if a glob matches nothing, BadRequest if an entry is not a pair.
    """
    sources = matching(network.writers, writers, network.writer)
    targets = matching(network.readers, readers, network.reader)
    if where is None:
        return sources, targets, np.ones((len(sources), len(targets)), dtype=bool)
    asked = np.zeros((len(sources), len(targets)), dtype=bool)
    for glob in [where] if isinstance(where, str) else where:
        ends = [end.strip() for end in glob.replace("→", "->").split("->")]
        if len(ends) != 2 or not all(ends):
            raise BadRequest(f"where={quote(repr(glob), 60)}: expected 'WRITERS -> READERS', such as 'L0.H* -> L1.*.K'")
        named = set(matching(network.writers, ends[0], network.writer))
        others = set(matching(network.readers, ends[1], network.reader))
        asked |= np.array([[w in named and r in others for r in targets] for w in sources])
    rows, columns = np.flatnonzero(asked.any(axis=1)), np.flatnonzero(asked.any(axis=0))
    if not len(rows):
        raise BadRequest("where= matches none of the wires between writers= and readers=")
    return [sources[i] for i in rows], [targets[j] for j in columns], asked[np.ix_(rows, columns)]
