"""A result as a few numbers, and how they are compared.

Of many numbers: the size of the largest, and a sum in which every entry has a weight of its own, so that no entry
moves, or changes places with another, unseen; of a real model also the norm, and the largest entry with its name. Of
up to ``FEW`` numbers by name: all of them. They are compared relative to the largest entry of their result, and equal
up to ``ROUNDING``; NaN equals NaN.
Lists of names are compared as lists, long ones by their first names and a digest.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
import xarray as xr

Result: TypeAlias = Any  # a tensor, an array, labelled or not, named numbers, a number, or a list of names
Numbers: TypeAlias = dict[str, float] | list[Any]
FEW = 8
RELATIVE = 1e-9
SINGLE = 1e-5
"""Of results in whose computation something is rounded to float32."""
ROUNDING = 1e-13
"""Any number may differ by this much: a difference of two logits near 10 is rounded so, however small it is."""
LAST = 2.0**-47
"""And by 32 units in its last place: a sum of millions of numbers is much larger than each."""


def summary(result: Result, *, named: bool) -> Numbers:
    """What is kept of a result: ``{name: number}`` of few, else ``[size, sum, NaNs]``; of a list its first names.

    ``named``: also the norm, and the largest entry with its name.
    """
    if isinstance(result, list) and all(isinstance(one, str) for one in result):
        return _names(result)
    if isinstance(result, Mapping) and len(result) <= FEW:
        return {str(name): float(value) for name, value in result.items()}
    labels, values = _labelled(result)
    known = ~np.isnan(values)
    found = np.where(known, values, 0)
    missing = int((~known).sum())
    numbers = [float(f"{np.abs(found).max(initial=0):.6g}"), float(_weights(len(found)) @ found), missing]
    if not named:
        return numbers
    most = int(np.abs(found).argmax())
    return [*numbers, float(np.linalg.norm(found)), labels[most], float(found[most])]


def differences(result: Result, golden: Numbers, relative: float = RELATIVE) -> list[str]:
    """What is not as it was, a line each: what it is, both, and how far apart they are."""
    if isinstance(golden, list) and all(isinstance(one, str) for one in golden):
        new = summary(result, named=False)
        return [] if new == golden else [f"is {new}, was {golden}"]
    if isinstance(golden, dict):
        was, now = golden, summary(result, named=False)
        if not isinstance(now, dict) or now.keys() != was.keys():
            return [f"is {now}, was {was}"]
        scale = max((abs(value) for value in was.values() if not math.isnan(value)), default=0.0)
    else:
        scale, *known = golden
        found = summary(result, named=len(known) > 2)
        if not isinstance(found, list) or len(found) != len(golden):
            return [f"is {found}, was {golden}"]
        if known[1] != found[2]:
            return [f"has {found[2]} NaN, had {known[1]}"]
        was, now = {"sum": known[0]}, {"sum": found[1]}
        if len(known) > 2:
            labels, values = _labelled(result)
            norm, name, largest = known[2:]
            if name not in labels:
                return [f"has no {name}"]
            was |= {"norm": norm, name: largest}
            now |= {"norm": found[3], name: float(values[labels.index(name)])}
    return [
        f"{what} is {now[what]!r}, was {was[what]!r}, relative difference {apart:.2g}"
        for what in was
        if not (apart := _relative(now[what], was[what], scale)) <= relative
    ]


def _names(names: list[str]) -> list[str]:
    """A list of names; of a long one the first, its length and a digest of all."""
    if len(names) <= FEW:
        return names
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]
    return [*names[: FEW // 2], f"… {len(names)} in all, sha256 {digest}"]


def _weights(count: int) -> np.ndarray:
    """Numbers from .5 to 2.5, no two alike."""
    return 1.5 + np.cos(1 + np.arange(count) * 0.7390851332151607)


def _relative(new: float, old: float, scale: float) -> float:
    """How far apart two numbers are, in parts of the result's largest entry."""
    rounding = max(ROUNDING, LAST * abs(old)) if math.isfinite(old) else 0.0
    if new == old or (math.isnan(new) and math.isnan(old)) or abs(new - old) <= rounding:
        return 0.0
    return abs(new - old) / scale if scale > 0 else math.inf


def _labelled(result: Result) -> tuple[list[str], np.ndarray]:
    """Every number of a result with a name: its coordinates, or its place."""
    if isinstance(result, Mapping):
        names = [str(name) for name in result]
        return names, np.array([float(value) for value in result.values()], dtype=np.float64)
    if isinstance(result, xr.DataArray):
        values = np.asarray(result.values, dtype=np.float64)
        axes = [_axis(result, str(dim)) for dim in result.dims]
    else:
        values = (
            result.detach().double().numpy() if isinstance(result, torch.Tensor) else np.asarray(result, np.float64)
        )
        axes = [[str(place) for place in range(size)] for size in values.shape]
    names = [""]
    for axis in axes:
        names = [f"{name}, {one}" if name else one for name in names for one in axis]
    return names, values.ravel()


def _axis(result: xr.DataArray, dim: str) -> Sequence[str]:
    """The names along one dimension."""
    if dim in result.coords:
        return [str(name) for name in result[dim].values]
    named = [name for name, coord in result.coords.items() if coord.dims == (dim,) and coord.dtype.kind in "UO"]
    if not named:
        return [str(place) for place in range(result.sizes[dim])]
    return [" → ".join(map(str, row)) for row in zip(*(result[name].values for name in sorted(named)), strict=True)]
