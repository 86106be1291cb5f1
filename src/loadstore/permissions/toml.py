"""A policy as a TOML file: one table for each protected subspace.

::

    [kernel]
    source = "L0.H7"             # a writer; or tokens = [" secret"]; or rows = [[…], …] with a source naming them
    channel = 1                  # optional, for a writer
    load = ["L1.H4.K"]           # who may load; all if left out, "!…" excludes
    store = ["L0.H7"]            # who may store
    declassify = ["L1.H4.K"]     # whose store counts as clean
"""

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

import torch

from loadstore.errors import BadRequest, LoadstoreError
from loadstore.model.weights import Weights
from loadstore.permissions.sources import subspace
from loadstore.permissions.subspace import Subspace
from loadstore.quote import quote, some

KEYS = ("source", "channel", "tokens", "rows", "load", "store", "declassify")
VERBS = ("load", "store", "declassify")
MOST = 64 << 20  # maximum bytes
Tables: TypeAlias = tuple[dict[str, Subspace], dict[str, dict[str, list[str]]]]


def read_tables(path: Path, weights: Weights) -> Tables:
    """Read the tables of a file. Raises BadRequest and the errors of ``ls.policies.subspace``, naming the file."""
    try:
        if path.stat().st_size > MOST:
            raise BadRequest(f"{path} is larger than {MOST >> 20} MB, which no policy needs")
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadRequest(f"{path} cannot be read as a policy: {quote(error, 120)}; name a TOML file") from None
    try:
        return parse_tables(text, weights)
    except LoadstoreError as error:
        raise type(error)(f"{path}: {error}") from None


def parse_tables(text: str, weights: Weights) -> Tables:
    """Return the protected subspaces and, for each verb, the globs of each. Raises BadRequest, NoSuchSite."""
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadRequest(f"a policy is TOML: {quote(error, 120)}") from None
    protect: dict[str, Subspace] = {}
    globs: dict[str, dict[str, list[str]]] = {verb: {} for verb in VERBS}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise BadRequest(f"'{quote(name)}' is not a table; a policy has one for each subspace, [{quote(name)}]")
        facts = cast("dict[str, Any]", table)
        if unknown := sorted(set(facts) - set(KEYS)):
            raise BadRequest(f"[{quote(name)}] has the key '{quote(unknown[0])}'; expected {', '.join(KEYS)}")
        protect[name] = _subspace(name, facts, weights)
        for verb in VERBS:
            if verb in facts:
                globs[verb][name] = _globs(f"{verb} of [{quote(name)}]", facts[verb])
    return protect, globs


def tables_text(protect: Mapping[str, Subspace], globs: Mapping[str, Mapping[str, str | Sequence[str]]]) -> str:
    """Write subspaces, by their rows, and globs as TOML; reading it back is exact."""
    lines: list[str] = []
    for name, space in protect.items():
        rows = ",\n  ".join(json.dumps(row) for row in space.rows.double().tolist())
        lines += [f"[{_text(name)}]", f"source = {_text(space.source)}"]
        for verb, named in globs.items():
            if name in named:
                sites = named[name]
                listed = [sites] if isinstance(sites, str) else list(sites)
                lines.append(f"{verb} = [{', '.join(map(_text, listed))}]")
        lines += [f"rows = [\n  {rows},\n]", ""]
    return "\n".join(lines)


def _text(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text, ensure_ascii=True).replace("\x7f", "\\u007f")


def _globs(where: str, value: object) -> list[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in cast("list[Any]", names)):
        raise BadRequest(f"{where} is {quote(repr(value), 60)}; expected a list of sites such as ['L1.H4.K']")
    return cast("list[str]", names)


def _subspace(name: str, facts: Mapping[str, Any], weights: Weights) -> Subspace:
    given = [key for key in ("rows", "tokens") if key in facts]
    source, channel = facts.get("source"), facts.get("channel")
    if len(given) > 1 or (given == ["tokens"] and "source" in facts) or not (given or "source" in facts):
        raise BadRequest(f"[{quote(name)}] needs one of source (a writer), tokens and rows")
    if "source" in facts and not isinstance(source, str):
        raise BadRequest(f"source of [{quote(name)}] is {quote(repr(source), 60)}; expected a text such as 'L0.H7'")
    if channel is not None and (given or type(channel) is not int):
        raise BadRequest(f"channel of [{quote(name)}] is {quote(repr(channel), 60)}; expected a number of a writer's")
    try:
        if "rows" in facts:
            rows = _rows(name, facts["rows"]).to(weights.dtype)
            return Subspace(rows, str(source)) if source is not None else subspace(weights, rows)
        if "tokens" in facts:
            return subspace(weights, _tokens(name, facts["tokens"]))
        return subspace(weights, str(source), channel=channel)
    except LoadstoreError as error:
        raise type(error)(f"[{quote(name)}]: {error}") from None


def _tokens(name: str, value: object) -> list[str] | list[int]:
    tokens = cast("list[Any]", value) if isinstance(value, list) else []
    if not tokens or not all(type(token) in (str, int) for token in tokens):
        raise BadRequest(f"tokens of [{quote(name)}]: expected a list of texts or ids, got {quote(repr(value), 60)}")
    return tokens


def _rows(name: str, value: object) -> torch.Tensor:
    rows = cast("list[Any]", value) if isinstance(value, list) else []
    lengths = {len(cast("list[Any]", row)) if isinstance(row, list) else -1 for row in rows}
    numbers = [number for row in rows if isinstance(row, list) for number in cast("list[Any]", row)]
    if len(lengths) > 1 or -1 in lengths or not all(type(number) in (int, float) for number in numbers):
        which = some([str(length) for length in sorted(lengths)])
        raise BadRequest(f"rows of [{quote(name)}] are not lists of equally many numbers (lengths {which})")
    if not all(math.isfinite(number) for number in numbers):
        raise BadRequest(f"rows of [{quote(name)}] are not finite; give a basis without NaN and infinities")
    return torch.tensor(rows, dtype=torch.float64).reshape(len(rows), max(lengths, default=0))
