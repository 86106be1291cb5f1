"""Decompositions of each prompt of a batch. Prompts may differ in length and in targets."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from loadstore.errors import BadRequest
from loadstore.execution.trace import Trace

if TYPE_CHECKING:
    import xarray as xr

Target: TypeAlias = int | str
Targets: TypeAlias = Target | Sequence[Target]


def of_prompts(trace: Trace, parts: Callable[[Trace, int], "xr.DataArray"]) -> "xr.DataArray":
    """The parts of every prompt along a new first axis, prompt.

    Numeric attributes become lists with one entry per prompt, as do texts that differ. Along a named axis, prompts that
    lack a name are NaN there.
    """
    import xarray as xr

    results = [parts(trace.prompt(index), index) for index in range(len(trace.tokens))]
    attrs: dict[object, object] = {}
    for name in results[0].attrs:
        values = [each.attrs[name] for each in results]
        attrs[name] = values[0] if isinstance(values[0], str) and len(set(values)) == 1 else values
    return xr.concat(results, "prompt", join="outer", combine_attrs="drop").assign_attrs(attrs)


def target_of(targets: Targets, index: int, prompts: int) -> Target:
    """The target of one prompt: the common one, or its own. Raises BadRequest."""
    if isinstance(targets, str) or not isinstance(targets, Sequence):
        return targets
    if len(targets) != prompts:
        raise BadRequest(f"there are {len(targets)} targets for {prompts} prompts; give one for each, or one for all")
    return targets[index]
