"""The total of each store's shares of all loads of heads, for every store of a prompt at once.

Shares are linear in the store (``store_loads``). All loads of a layer therefore combine into one direction per token;
its inner product with a store is the sum of the store's shares:

    Σ over heads and queries of the shares of store c = ⟨c, g⟩,  g = N*( Σ_h T_h*(directions of its Q, K and V) W_hᵀ )

Tests: tests/decomposition/test_store_loads.py.
"""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.decomposition.layer_loads import LayerLoads, layer_loads, share_of
from loadstore.decomposition.projections import turned_back
from loadstore.decomposition.reading import back_through, refuse_cuts
from loadstore.decomposition.single import one_prompt_index
from loadstore.execution.attention import overflow
from loadstore.execution.trace import Trace
from loadstore.model.ports import banks, reading
from loadstore.model.wiring import wiring
from loadstore.sites import Reader, Side, Writer
from loadstore.threads import threads_for

if TYPE_CHECKING:
    import xarray as xr


@threads_for(0)
def load_totals(trace: Trace) -> "xr.DataArray":
    """Sum the shares of every store over all loads of heads.

    Args:
        trace: A run of one prompt, without cuts.

    Returns:
        DataArray with dims writer, token, without unit. The sum over all stores and constants is the number of loads
        that have shares (``store_loads``). Its coordinate ``label`` names the tokens.

    Raises:
        Undefined: The run is a batch, has cuts or overflows.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> totals = ls.parts.load_totals(trace)
        >>> totals.sel(writer="L1.H4").sum().item()  # no head is later than the last layer
        0.0
    """
    import xarray as xr

    refuse_cuts(trace)
    one_prompt_index(trace, 0)
    weights, record = trace.weights, trace.record
    totals: dict[Writer, Tensor] = {}
    writers = wiring(weights).writers
    stream = torch.zeros(trace.tokens.shape[1], weights.architecture.d_model).to(record.final)
    bypassing = stream
    for layer in reversed(range(-1, weights.architecture.n_layers)):
        for bank in banks(weights, [writer for writer in writers if writer.layer == layer]):
            back = bank.back(bypassing if bank.bypasses_norm else stream)
            met = torch.linalg.vecdot(record.inner(bank.writers)[0], back).double()
            totals |= {writer: met[:, index] for index, writer in enumerate(bank.writers)}
        if layer >= 0:
            before, behind = _asked(trace, layer_loads(trace, layer))
            stream, bypassing = stream + before, bypassing + behind
    loads = torch.stack([totals[writer] for writer in writers])
    if not bool(torch.isfinite(loads).all()):
        raise overflow(loads.dtype, "in the shares of its loads")
    return xr.DataArray(
        loads.cpu().numpy(),
        dims=("writer", "token"),
        coords={"writer": [str(writer) for writer in writers], "label": ("token", trace.labels)},
        name="loads",
        attrs={
            "model": weights.name,
            "bos": weights.begins,
            "definition": "shares of one store, summed over the loads of all later heads, sides and queries",
        },
    )


def _asked(trace: Trace, loads: LayerLoads) -> tuple[Float[Tensor, "token d_model"], Float[Tensor, "token d_model"]]:
    """The directions whose products with the stream, and with stores that bypass the norm, give a layer's shares."""
    unit = share_of(torch.full_like(loads.contrast, loads.scale), loads.contrast, loads.size).nan_to_num(0.0)[..., None]
    squares = loads.squares[..., None].clamp(min=torch.finfo(loads.squares.dtype).tiny)
    stored = torch.einsum("hie,hef->hif", loads.z, loads.gram) / squares
    choice = _behind(trace, loads, "Q", loads.met * unit) + _behind(
        trace, loads, "K", loads.directions.mT @ (loads.q * unit)
    )
    content = _behind(trace, loads, "V", loads.mixing.mT @ stored)
    return back_through(trace, Reader(loads.layer, 0, "Q"), choice + content), choice


def _behind(
    trace: Trace, loads: LayerLoads, side: Side, along: Float[Tensor, "head token d_head"]
) -> Float[Tensor, "token d_model"]:
    """Map directions inside q, k or v of all heads of a layer back to the layer's normed input, and add them."""
    directions: list[Tensor] = []
    for index, each in enumerate(along):
        reader = Reader(loads.layer, index, side)
        matrix = reading(trace.weights, reader).matrix
        directions.append(turned_back(trace, reader, each.to(matrix)) @ matrix.mT)
    return torch.stack(directions).sum(0)
