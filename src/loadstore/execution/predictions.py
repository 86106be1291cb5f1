"""The predictions of a run: its most likely next tokens, after the last layer or by the logit lens at every layer."""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.errors import BadRequest
from loadstore.execution.extent import blanked
from loadstore.execution.positions import At, token_indices
from loadstore.execution.record import Pass
from loadstore.execution.unembedding import unembed
from loadstore.model.norms import normalise
from loadstore.tokenizer.tokens import labels, text_of

if TYPE_CHECKING:
    import xarray as xr


def likeliest(run: Pass, logits: Float[Tensor, "batch token vocab"], at: At, k: int) -> "xr.Dataset":
    """The ``k`` most likely tokens after one token of each prompt; dims prompt rank. Raises BadRequest."""
    import xarray as xr

    vocab = run.weights.architecture.vocab
    if not 1 <= k <= vocab:
        raise BadRequest(f"k={k}: expected a number of tokens from 1 to {vocab}")
    places = token_indices(run, at)
    rows = logits[torch.arange(len(places)), places].double()
    values, ids = rows.topk(k, -1)
    probabilities = rows.softmax(-1).gather(1, ids)
    texts = [[text_of(token, run.weights.tokens) for token in row] for row in ids.tolist()]
    dims = ("prompt", "rank")
    return xr.Dataset(
        {
            "text": (dims, texts),
            "probability": (dims, probabilities.cpu().numpy()),
            "logit": (dims, values.cpu().numpy()),
            "token": (dims, ids.cpu().numpy()),
        },
        coords={"rank": range(1, k + 1)},
        attrs={"model": run.weights.name, "at": places},
    )


def lens(run: Pass) -> "xr.Dataset":
    """The most likely next token according to the stream before each layer; dims prompt layer token.

    p = softmax(N(x_l) W_U + b_U), where N is the final norm with the scale of x_l itself.
    """
    import xarray as xr

    weights, record, depth = run.weights, run.record, run.weights.architecture.n_layers
    ids: list[Tensor] = []
    probabilities: list[Tensor] = []
    with torch.no_grad():
        for layer in range(depth + 1):
            stream = record.final if layer == depth else record.layers[layer].stream
            assert stream is not None
            read = normalise(stream, weights.norm(None), weights.architecture.eps)[0]
            best = [unembed(weights, row[None])[0].softmax(-1).max(-1) for row in read]  # one prompt's logits at a time
            probabilities.append(blanked(torch.stack([likely.values for likely in best]), run.lengths))
            ids.append(torch.stack([likely.indices for likely in best]))
    texts = [
        [[text_of(token, weights.tokens) if index < length else "" for index, token in enumerate(row)] for row in each]
        for each, length in zip(torch.stack(ids, 1).tolist(), run.lengths, strict=True)
    ]
    dims, single = ("prompt", "layer", "token"), len(run.tokens) == 1
    named = labels(run.tokens[0].tolist(), weights.tokens) if single else list(range(run.tokens.shape[1]))
    return xr.Dataset(
        {"text": (dims, texts), "probability": (dims, torch.stack(probabilities, 1).double().cpu().numpy())},
        coords={"layer": range(depth + 1), "token": named},
        attrs={
            "model": weights.name,
            "definition": "the likeliest next token where the last norm and the unembedding read the stream before "
            "each layer ({depth}: after the last layer)",
            "neglects": "what later layers would add; the last norm uses the scale of the partial sum, not of the "
            "whole sum",
        },
    )


def patterns(run: Pass) -> "xr.DataArray":
    """The attention patterns of all heads; dims prompt layer head query key; NaN after the end of a prompt."""
    import xarray as xr

    values = torch.stack([blanked(layer.pattern.transpose(1, 2), run.lengths) for layer in run.record.layers], 1)
    coords: dict[str, object] = {}
    if len(run.tokens) == 1:
        named = labels(run.tokens[0].tolist(), run.weights.tokens)
        coords = {"query": named, "key": named}
    whole = values.transpose(2, 3).cpu().numpy()
    return xr.DataArray(whole, coords, ("prompt", "layer", "head", "query", "key"), attrs={"model": run.weights.name})
