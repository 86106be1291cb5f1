"""Tests whether a protected label can still be decoded from the loads of denied readers after enforcement."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, get_args

import numpy as np
import torch
from torch import Tensor

from loadstore.bounds import Seed, Within
from loadstore.errors import BadRequest
from loadstore.execution.run import as_tokens, run
from loadstore.linear.subspace import reader_cores
from loadstore.model.globs import matching
from loadstore.model.ports import reading
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.permissions.enforce import denied, enforce
from loadstore.permissions.policy import Policy
from loadstore.permissions.probes import Kind, accuracies, interval
from loadstore.permissions.sources import classes_of
from loadstore.permissions.taint import stream_at
from loadstore.progress import Progress
from loadstore.sites import Reader

if TYPE_CHECKING:
    import xarray as xr

NOTE = (
    "a linear projection does not prevent non-linear leakage, and other writers may store the same label. A probe at "
    "the control's accuracy has found nothing, which does not prove that there is nothing"
)
KINDS: tuple[Kind, ...] = get_args(Kind)
TOGETHER = 64  # prompts per batch
LEAST = 10  # prompts needed for a useful interval


def leak_test(
    weights: Weights,
    policy: Policy,
    labels: Sequence[int] | Sequence[str],
    prompts: Sequence[str] | Sequence[Sequence[int]],
    *,
    readers: str | Sequence[str] | None = None,
    at: int = -1,
    ungroup: bool = False,
    controls: Annotated[int, Within(1, 1000)] = 20,
    folds: Annotated[int, Within(2, 100)] = 5,
    seed: Seed = 0,
    progress: Progress | None = None,
) -> "xr.Dataset":
    """Probe readers' loads for a label, before and after enforcement, with control tasks.

    Args:
        weights: The model.
        policy: The policy to enforce.
        labels: The class of each prompt: the information that must not leak.
        prompts: Texts or token ids, one for each label.
        readers: Globs of the readers to probe; None for those that the policy denies something.
        at: The token of each prompt whose load is probed.
        controls: The number of control tasks: the same labels, randomly permuted over the prompts.
        folds: The number of cross-validation folds.
        seed: The seed for folds, controls and the random features of the bent probe.
        ungroup: As in ``enforce``.
        progress: Called with the number of steps done and the total.

    Returns:
        Dataset over (when, probe, reader): accuracy with low and high (Wilson, 95 %), control (mean accuracy of the
        control tasks), highest (their maximum), selectivity = accuracy − control, and leaks. A reader leaks if its
        accuracy is above all controls and its interval above their mean.

    Raises:
        BadRequest: The labels have one class, there are too few prompts, or options do not fit.
        NoSuchSite, BadPrompt: The policy or a prompt does not fit the model.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> space = ls.policies.subspace(model, [" cat", " dog"])
        >>> policy = ls.policies.Policy({"animals": space}, load={"animals": "!L1.*"})
        >>> prompts = [f"{word} number {i}" for i in range(5) for word in ("the cat", "a stone")]
        >>> result = ls.leak_test(model, policy, [0, 1] * 5, prompts, readers="L1.H0.K", controls=1)
        >>> result.accuracy.dims
        ('when', 'probe', 'reader')
    """
    import xarray as xr

    classes = classes_of(prompts, labels)
    if len(classes) < max(LEAST, folds) or folds < 2 or controls < 1:
        raise BadRequest(
            f"{len(classes)} prompts, {folds} folds and {controls} controls: expected at least {LEAST} prompts and as "
            "many as folds, 2 folds and 1 control"
        )
    network = wiring(weights)
    chosen = list(denied(weights, policy)[0]) if readers is None else matching(network.readers, readers, network.reader)
    if not chosen:
        raise BadRequest("the policy denies no reader anything; name the readers to probe, readers=")
    generator = torch.Generator().manual_seed(seed)
    dealt = [classes[torch.randperm(len(classes), generator=generator)] for _ in range(controls)]
    tasks = torch.stack([classes, *dealt])
    names = ("accuracy", "low", "high", "control", "highest")
    scores = {name: np.zeros((2, len(KINDS), len(chosen))) for name in names}
    for when, model in enumerate((weights, enforce(weights, policy, ungroup=ungroup))):
        loads = _loads(model, prompts, chosen, at)
        for index, x in enumerate(loads):
            for number, kind in enumerate(KINDS):
                share, *others = accuracies(x, tasks, kind, folds, seed).tolist()
                each = (share, *interval(share, len(classes)), sum(others) / len(others), max(others))
                for name, value in zip(names, each, strict=True):
                    scores[name][when, number, index] = value
            if progress is not None:
                progress(when * len(chosen) + index + 1, 2 * len(chosen))
    values: dict[str, Any] = {**scores, "selectivity": scores["accuracy"] - scores["control"]}
    values["leaks"] = (scores["accuracy"] > scores["highest"]) & (scores["low"] > scores["control"])
    return xr.Dataset(
        {name: (("when", "probe", "reader"), value) for name, value in values.items()},
        coords={"when": ["before", "after"], "probe": list(KINDS), "reader": [str(reader) for reader in chosen]},
        attrs={
            "model": weights.name,
            "bos": weights.begins,
            "prompts": len(classes),
            "classes": int(classes.max()) + 1,
            "controls": controls,
            "definition": NOTE,
        },
    )


def _loads(weights: Weights, prompts: Sequence[Any], readers: Sequence[Reader], at: int) -> list[Tensor]:
    """Each reader's load at one token of every prompt, [reader][prompt, inside]: the normed stream times its matrix."""
    rows: list[list[Tensor]] = [[] for _ in readers]
    for batch in _batches([as_tokens(weights, prompt)[0][0] for prompt in prompts]):
        length = batch.shape[1]
        if not -length <= at < length:
            raise BadRequest(f"at={at}: a prompt has {length} tokens, from 0")
        trace = run(weights, batch, record=True)
        for index, reader in enumerate(readers):
            port = reading(weights, reader)
            scale = trace.record.scale(port.scale)
            assert scale is not None
            rows[index] += port.through(stream_at(trace, reader), scale)[:, at % length]
    return [torch.stack(x).double() @ _core(weights, reader).double() for x, reader in zip(rows, readers, strict=True)]


def _batches(prompts: Sequence[Tensor]) -> Iterator[Tensor]:
    """Prompts in their order, with neighbours of equal length in one batch."""
    for _, group in groupby(enumerate(prompts), lambda each: (len(each[1]), each[0] // TOGETHER)):
        yield torch.stack([ids for _, ids in group])


def _core(weights: Weights, reader: Reader) -> Tensor:
    """A reader's matrix; a wide one is reduced to the fewest equivalent columns."""
    matrix = reading(weights, reader).matrix
    return reader_cores([matrix.double()])[0] if matrix.shape[1] > matrix.shape[0] else matrix
