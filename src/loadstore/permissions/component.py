"""Traffic of the part of the stream in a subspace into every reader, and the writers that stored it, on a corpus.

With u_t the centred stream, scaled by the reader's frozen 1/σ, and P the subspace, the part u PᵀP is treated as a
writer: traffic² = tr(Σ b), Σ = E (u PᵀP)ᵀ(u PᵀP), ``own`` = tr(Σ b)/tr(Σ_x b), x the reader's whole load.
The null rotates the same part into a random direction of the stream (docs/null-by-rotation.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.linear.decompositions import eigh, eigvalsh
from loadstore.linear.null import Null, null
from loadstore.model.ports import banks, reading_at
from loadstore.model.wiring import wiring
from loadstore.sites import Reader, Writer
from loadstore.wire_traffic.blocks import Memory
from loadstore.wire_traffic.factorised import Samples
from loadstore.wire_traffic.loads import Loads, loads_of, points_of
from loadstore.wire_traffic.moments import Moments


@dataclass(frozen=True, eq=False)
class Loaded:
    """Every reader's load from every subspace: traffic, its fraction of the reader's total, and p of the null."""

    traffic: Float[np.ndarray, "subspace reader"]
    own: Float[np.ndarray, "subspace reader"]
    p: Float[np.ndarray, "subspace reader"]


def component_traffic(moments: Moments, spaces: Sequence[Tensor], readers: Sequence[Reader]) -> Loaded:
    """Measure the traffic of the stream's parts in subspaces, given by orthonormal rows."""
    memory, samples = Memory(moments), Samples(moments)
    column = {reader: index for index, reader in enumerate(readers)}
    result = {name: np.zeros((len(spaces), len(readers))) for name in ("theta", "total", "p")}
    for point, at in points_of(moments.weights, readers).items():
        kinds = loads_of(moments, point, at)
        stream, behind = memory.stream(point)
        for loads in kinds:
            here = loads.loaded(stream)
            whole = samples.split(loads.read(here, behind))
            columns = [column[reader] for reader in loads.readers]
            result["total"][:, columns] = samples.rows(whole.as_writer(), whole, loads).theta[0].cpu().numpy()
            for number, rows in enumerate(spaces):
                inside = [None if each is None else (each @ rows.mT) @ rows for each in (here, behind)]
                assert inside[0] is not None
                part = samples.split(loads.read(inside[0], inside[1])).as_writer()
                theta = samples.rows(part, whole, loads).theta[0].cpu().numpy()
                result["theta"][number, columns] = theta
                result["p"][number, columns] = _p(moments, here, behind, rows, loads, theta)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = result["theta"] / result["total"]
    return Loaded(np.sqrt(np.clip(result["theta"], 0, None)), own, result["p"])


def _p(
    moments: Moments, stream: Tensor, behind: Tensor | None, rows: Tensor, loads: Loads, theta: np.ndarray
) -> np.ndarray:
    """p-value: the probability that the same part of the stream, randomly rotated, carries as much into each reader.

    If positions are added after the norm, their part is rotated as well, and the two variances are added.
    """
    port = reading_at(moments.weights, loads.point)
    expected = _null(moments, port.centred((stream @ rows.mT) @ rows), loads.B, loads, stream.shape[1] - port.centres())
    mean, spread = expected.mean[0], expected.variance[0].sqrt()
    if behind is not None and loads.behind is not None:
        more = _null(moments, (behind @ rows.mT) @ rows, loads.behind, loads, stream.shape[1])
        mean, spread = mean + more.mean[0], spread + more.variance[0].sqrt()
    x, shape = torch.as_tensor(theta, dtype=torch.float64), (mean / spread).square()
    p = torch.special.gammaincc(shape, x * shape / mean).numpy()
    return np.where(theta > 0, p, 1.0)


def _null(moments: Moments, part: Tensor, matrices: Tensor, loads: Loads, d: int) -> Null:
    """Mean and variance of a part's squared traffic into each reader over random rotations of the stream."""
    wide = part[moments.later].double()
    second = eigvalsh(wide.mT @ wide / len(wide)).clamp(min=0)
    met = None if loads.met is None else loads.met.sum(0) + (0 if loads.first is None else loads.first.sum(0))
    spectra: list[Tensor] = []
    for index, of in enumerate(loads.of.tolist()):
        B = matrices[of].double()
        if met is None:
            spectra.append(eigvalsh(B.mT @ B))
        else:
            values, vectors = eigh(met[index].double())
            root = B @ (vectors * values.clamp(min=0).sqrt())
            spectra.append(eigvalsh(root.mT @ root))
    return null(second[None].cpu(), torch.stack(spectra).clamp(min=0).cpu(), d)


def stored_powers(
    moments: Moments, rows: Tensor, writers: Sequence[Writer]
) -> tuple[Float[np.ndarray, " writer"], Float[np.ndarray, " writer"]]:
    """Each writer's fraction of the power in a subspace, and its p under random rotations of the writer's store."""
    powers, ps = np.zeros(len(writers)), np.ones(len(writers))
    later, row = moments.later, {writer: index for index, writer in enumerate(writers)}
    d = rows.shape[1]
    flat = torch.ones(1, len(rows), dtype=torch.float64)
    for bank in banks(moments.weights, wiring(moments.weights).writers):
        if bank.constant:
            continue
        inner = moments.stored(bank)[later].double()
        for index, writer in enumerate(bank.writers):
            out = None if bank.out is None else bank.out[index].double()
            wide = inner[:, index]
            second = wide.mT @ wide / len(wide)
            if out is None:
                spectrum, held = eigvalsh(second), rows.double() @ second @ rows.double().mT
            else:  # through d_head: W_Oᵀ Σ_z W_O has the eigenvalues of a matrix of that size
                values, vectors = eigh(second)
                root = (vectors * values.clamp(min=0).sqrt()).mT @ out
                spectrum, held = eigvalsh(root @ root.mT), (root @ rows.double().mT).square()
            power = float(held.diagonal().sum() if out is None else held.sum())
            powers[row[writer]] = power
            if power > 0:
                expected = null(spectrum.clamp(min=0)[None].cpu(), flat, d)
                ps[row[writer]] = float(expected.p(torch.tensor([[power]], dtype=torch.float64)))
    total = powers.sum()
    return powers / total if total > 0 else powers, ps
