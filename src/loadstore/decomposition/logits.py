"""The stream at one token, and one logit, as sums over writers.

    x_i = Σ_w store_i^w                logit = Σ_w ((w − w̄)/σ · γ) W_U[:, t] + (β W_U + b_U)[t]

In the attributes, ``recorded`` is the number from the run and ``remainder`` is ``recorded`` minus the sum (for a
vector, its largest entry). Memory: writers × d_model; split by source token, writers × token.
Tests: tests/theorems/test_sums.py.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.batched import Targets, of_prompts, target_of
from loadstore.decomposition.reading import back_through, in_stream, read_at, refuse_ablated, refuse_cuts, stored_at
from loadstore.decomposition.single import one_prompt_index
from loadstore.errors import BadRequest
from loadstore.execution.positions import At
from loadstore.execution.trace import Trace
from loadstore.execution.unembedding import linear_logits
from loadstore.model.norms import normalise
from loadstore.model.ports import banks, reading
from loadstore.model.target import target_id
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.sites import CONST, UNEMBED
from loadstore.threads import threads_for
from loadstore.tokenizer.tokens import text_of

if TYPE_CHECKING:
    import xarray as xr


@threads_for(0)
def residual_parts(trace: Trace, layer: int, at: At) -> "xr.DataArray":
    """The stream before ``layer`` at one token, by writers; dims (prompt) writer d_model.

    Args:
        trace: A run.
        layer: The layer that loads the stream; the number of layers means the unembedding.
        at: The token, an index or a text.

    Returns:
        The stores in units of the stream: dims (prompt) writer d_model; ``remainder`` is in the attributes.

    Raises:
        Undefined, NoSuchSite, BadRequest: The run has cuts, or the layer or token does not exist.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> ls.parts.residual_parts(trace, 1, at=10).dims
        ('writer', 'd_model')
    """
    import xarray as xr

    if trace.batched:
        return of_prompts(trace, lambda single, _: residual_parts(single, layer, at))
    at = one_prompt_index(trace, at)
    whole = trace.residual(layer)[at]
    writers = in_stream(trace.weights, layer)
    values = stored_at(trace, writers, at)
    lacks = float((whole.double() - values.double().sum(0)).abs().max())
    found_by = f"layer {layer}" if layer < trace.weights.architecture.n_layers else "the unembedding"
    attrs = {
        "definition": f"the store of each writer in the stream that {found_by} reads at {trace.labels[at]}",
        **{"layer": layer, "at": at, "token": trace.labels[at], "remainder": lacks},
    }
    coords = {"writer": [str(writer) for writer in writers]}
    return xr.DataArray(values.cpu().numpy(), dims=("writer", "d_model"), coords=coords, attrs=attrs)


@threads_for(0)
def logit_parts(
    trace: Trace, at: At, token: Targets, *, against: Targets | None = None, by_source: bool = False
) -> "xr.DataArray":
    """One logit by writers and ``const``, the last norm's scale frozen, before a soft cap; dims (prompt) writer.

    Args:
        trace: A run.
        at: The token after which it is predicted, an index or a text.
        token: A token id, or a text that is one token; for a batch also a list with one for each prompt.
        against: Another token, whose logit is subtracted. The result is the log odds of the two, which a common shift
            of all logits does not change.
        by_source: Split heads by source token, too; all other writers are assigned to ``at`` itself.

    Returns:
        The parts in nats: dims (prompt) writer, with ``by_source`` (prompt) writer key. Their sum plus ``remainder`` is
        ``recorded``; both are in the attributes.

    Raises:
        Undefined, BadRequest, BadPrompt: The run has cuts, a token does not exist, or a target has several tokens.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> parts = ls.parts.logit_parts(trace, -1, " on", against=" in")
        >>> abs(float(parts.sum()) - parts.attrs["recorded"]) < 1e-3
        True
    """
    import xarray as xr

    if trace.batched:
        count = len(trace.tokens)

        def of_one(single: Trace, index: int) -> "xr.DataArray":
            other = None if against is None else target_of(against, index, count)
            parts = logit_parts(single, at, target_of(token, index, count), against=other, by_source=by_source)
            return parts.assign_coords(key=range(single.tokens.shape[1])) if by_source else parts

        return of_prompts(trace, of_one)
    token, against = target_of(token, 0, 1), None if against is None else target_of(against, 0, 1)
    at = one_prompt_index(trace, at)
    refuse_cuts(trace)
    weights = trace.weights
    writers = wiring(weights).writers_of(UNEMBED)
    signed = signed_targets(trace, token, against)
    column = torch.stack([sign * weights.wide(weights.W_U[:, index]) for index, sign in signed.items()]).sum(0)
    bias = 0.0 if weights.b_U is None else sum(sign * float(weights.b_U[index]) for index, sign in signed.items())
    parts = np.array(list(column_parts(trace, at, column, bias).values()))
    names, dims = [*map(str, writers), CONST], ("writer",)
    if by_source:
        spread = np.zeros((len(parts), trace.tokens.shape[1]))
        spread[:, at] = parts
        back = back_through(trace, UNEMBED, column[None], at)[0]
        for bank in banks(weights, writers):
            if bank.out is None:
                continue
            for writer in bank.writers:
                refuse_ablated(trace, writer)
            record = trace.record.layers[bank.writers[0].layer]
            met = torch.einsum("khe,he->hk", record.v[0], bank.back(back))
            rows = [writers.index(writer) for writer in bank.writers]
            spread[rows] = (record.mixing[0, :, at] * met).double().cpu().numpy()
        parts, dims = spread, ("writer", "key")
    logits = before_cap(trace, at)
    recorded = sum(sign * float(logits[index]) for index, sign in signed.items())
    chosen = dict(zip(("token", "against"), signed, strict=False))
    texts = [text_of(index, weights.tokens) for index in signed]
    asked = f"logit of {texts[0]}" if against is None else f"log odds of {' over '.join(texts)}"
    attrs = {
        "definition": f"{asked} after {trace.labels[at]}{cap_words(weights)}, by what each writer stored there",
        **{"at": at, **chosen, "recorded": recorded, "remainder": recorded - float(parts.sum())},
    }
    return xr.DataArray(parts, dims=dims, coords={"writer": names}, attrs=attrs)


def before_cap(trace: Trace, at: int) -> Float[Tensor, " vocab"]:
    """The logits after one token of one prompt that are sums over writers: those before a soft cap."""
    weights, final = trace.weights, trace.record.final
    if weights.architecture.logit_cap is None:
        return trace.logits[at]
    assert final is not None
    read = normalise(final[:1, at : at + 1], weights.norm(None), weights.architecture.eps)[0]
    return linear_logits(weights, read)[0, 0]


def cap_words(weights: Weights) -> str:
    """That a number of logits is one before their soft cap, to be put behind it; empty without a cap."""
    cap = weights.architecture.logit_cap
    return "" if cap is None else f", before the soft cap of {cap:g}"


def column_parts(trace: Trace, at: int, column: Float[Tensor, " d_model"], bias: float) -> dict[str, float]:
    """A linear function of the final normed stream at one token, x̂ · column + bias, by writers and ``const``."""
    writers, norm = wiring(trace.weights).writers_of(UNEMBED), reading(trace.weights, UNEMBED).norm
    parts: list[float] = (read_at(trace, UNEMBED, writers, at) @ column).double().tolist()
    const = bias if norm is None or norm.bias is None else bias + float(norm.bias @ column)
    return dict(zip([*map(str, writers), CONST], [*parts, const], strict=True))


def signed_targets(trace: Trace, token: int | str, against: int | str | None) -> dict[int, float]:
    """The target with weight 1 and the token it is compared with at −1. Raises BadRequest if they are the same."""
    target = target_id(trace.weights, token)
    if against is None:
        return {target: 1.0}
    other = target_id(trace.weights, against)
    if other == target:
        raise BadRequest(f"token {target} is compared with itself; give two tokens, or one")
    return {target: 1.0, other: -1.0}
