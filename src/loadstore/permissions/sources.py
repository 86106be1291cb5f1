"""Subspaces from different sources: a writer, a channel, tokens, labelled prompts, or given rows.

Labels: with μ_k the mean of the stream over the prompts of class k and μ over all, the subspace is the span of the
μ_k − μ. It is the column space of Cov(x, z), z the one-hot labels. Without it, Cov(x, z) = 0 and no linear probe beats
the majority class. It is also the image of LEACE's projection (Belrose et al. 2023), which changes x least but is
oblique. Tests: tests/permissions/test_policy.py.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import BadRequest, Undefined
from loadstore.execution.run import run
from loadstore.linear.blocked import orthonormal
from loadstore.linear.singular import TOLERANCE, as_one, right_singular
from loadstore.model.ports import reading, writing
from loadstore.model.target import target_id
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.permissions.subspace import Subspace, checked_rows, given_rows
from loadstore.quote import some
from loadstore.sites import EMBED


def subspace(
    weights: Weights,
    source: str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]] | Tensor,
    *,
    labels: Sequence[int] | Sequence[str] | None = None,
    layer: int | None = None,
    at: int = -1,
    channel: int | None = None,
) -> Subspace:
    """Return a subspace of the stream, as orthonormal rows.

    Args:
        weights: The model.
        source: A writer (``"L0.H7"``: the row space of its W_O), tokens (the span of their embeddings), prompts if
            there are ``labels``, or rows [row, d_model], which need not be orthonormal.
        channel: One channel of the writer, numbered from 1 as in ``ls.vocabulary.channels``.
        labels: The class of each prompt: the span of the differences of class means.
        layer: The layer before which the stream of labelled prompts is taken; n_layers, the default, for the end.
        at: The token of each prompt at which it is taken.

    Returns:
        The subspace, in the model's compute dtype.

    Raises:
        BadRequest: The span is empty or the whole stream, rows are not finite, or labels have one class.
        NoSuchSite, BadPrompt, Undefined: The model does not have a writer, token or prompt.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> space = ls.policies.subspace(model, [" cat", " dog"])
        >>> space.rank
        2
    """
    if channel is not None and not isinstance(source, str):
        raise BadRequest(f"channel={channel} is of a writer; give its name, such as 'L0.H7'")
    if labels is not None:
        rows, origin = _labelled(weights, source, labels, layer, at)
    elif isinstance(source, str):
        rows, origin = _written(weights, source, channel)
    elif isinstance(source, Tensor):
        rows, origin = source, "given rows"
        given_rows(source, origin)
        if len(source) and source.shape[1] != (d := weights.architecture.d_model):
            raise BadRequest(f"the rows are {source.shape[1]} wide; {weights.name} has d_model {d}")
    else:
        rows, origin = _tokens(weights, source)
    return Subspace(checked_rows(orthonormal(rows), origin).to(weights.dtype), origin)


def _written(weights: Weights, name: str, channel: int | None) -> tuple[Tensor, str]:
    """The rows of a writer's output space, or of one of its channels."""
    network = wiring(weights)
    writer = network.writer(name)
    port = writing(weights, writer)
    if channel is None:
        matrix = port.map() if port.out is None else port.out
        return right_singular(matrix).directions, str(writer)
    centring = {reading(weights, each).centres() for each in network.readers if network.connects(writer, each)}
    if len(centring) > 1:
        raise Undefined(f"some readers of {writer} remove the mean and others do not, and see different channels")
    singular = right_singular(port.map(), centred=True in centring)
    numbers = as_one(singular.strengths, TOLERANCE) + 1
    if not 1 <= channel <= int(numbers[-1]):
        raise BadRequest(f"{writer} of {weights.name} has channels 1 to {int(numbers[-1])}; got {channel}")
    return singular.directions[numbers == channel], f"{writer} channel {channel}"


def _tokens(weights: Weights, tokens: Sequence[str] | Sequence[int] | Sequence[Sequence[int]]) -> tuple[Tensor, str]:
    """The span of the embeddings of some tokens."""
    if not tokens or not all(isinstance(token, str | int) for token in tokens):
        raise BadRequest("a subspace of tokens takes a list of at least one id or text; prompts need labels=")
    ids = torch.tensor([target_id(weights, token) for token in tokens if isinstance(token, str | int)])
    rows = writing(weights, EMBED).given(ids, ids)
    assert rows is not None
    return rows, f"the embeddings of {some([str(token) for token in tokens])}"


def _labelled(
    weights: Weights, prompts: object, labels: Sequence[int] | Sequence[str], layer: int | None, at: int
) -> tuple[Tensor, str]:
    """The span of the differences of class means."""
    classes = classes_of(prompts, labels)
    depth = weights.architecture.n_layers
    where = depth if layer is None else layer
    rows: list[Tensor] = []
    for prompt in list(prompts):  # pyright: ignore[reportArgumentType, reportUnknownArgumentType, reportUnknownVariableType]
        stream = run(weights, prompt, record=True).residual(where)
        if not -len(stream) <= at < len(stream):
            raise BadRequest(f"at={at}: a prompt has {len(stream)} tokens, from 0")
        rows.append(stream[at])
    stream = torch.stack(rows).double()
    origin = f"{int(classes.max()) + 1} labels of {len(rows)} prompts before layer {where}"
    return class_differences(stream, classes), origin


def class_differences(stream: Float[Tensor, "prompt d_model"], classes: Tensor) -> Float[Tensor, "label d_model"]:
    """μ_k − μ of every class."""
    mean = stream.mean(0)
    return torch.stack([stream[classes == label].mean(0) - mean for label in range(int(classes.max()) + 1)])


def classes_of(prompts: object, labels: Sequence[int] | Sequence[str]) -> Tensor:
    """Number the classes of labels from 0. Raises BadRequest unless each prompt has a label and two classes occur."""
    single = isinstance(prompts, Tensor) and prompts.dim() == 0  # a number has no length
    if single or isinstance(prompts, str) or not isinstance(prompts, Sequence | Tensor):
        raise BadRequest("labels= are of a list of prompts; give as many prompts as labels")
    if len(prompts) != len(labels):
        raise BadRequest(f"there are {len(prompts)} prompts and {len(labels)} labels; give each prompt one")
    names = sorted(set(labels), key=str)
    if len(names) < 2:
        raise BadRequest(
            f"all labels are {some([str(name) for name in names]) or 'missing'}; give at least two classes"
        )
    return torch.tensor([names.index(label) for label in labels])
