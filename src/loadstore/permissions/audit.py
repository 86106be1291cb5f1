"""Audits a policy on text: finds readers and writers that load from or store into a subspace without permission.

Direct breaches are traffic of the protected component above a threshold and above the null of a random rotation. Taint
also follows the stores of allowed readers in other subspaces: a covert channel. Derivation and tests:
docs/permissions.md.
"""

from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch

from loadstore.bounds import Seed, Share, Within
from loadstore.corpora.corpus import Source
from loadstore.errors import BadRequest
from loadstore.linear.blocked import orthonormal
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.permissions.direct import LEVEL, direct
from loadstore.permissions.drawn import drawn_component
from loadstore.permissions.policy import Policy, Rights, rights
from loadstore.permissions.taint import Taint, taint
from loadstore.progress import Progress
from loadstore.sites import Reader, Writer
from loadstore.wire_traffic.given import given_moments
from loadstore.wire_traffic.moments import Moments

if TYPE_CHECKING:
    import xarray as xr

THRESHOLD = 0.01
ANGLES = 200_001
MOST = 1000  # maximum placements
Draws = Annotated[int, Within(2, MOST)]
NOTE = (
    "own = share of the variance of all that a reader loads; taint = E|du|^2/E|u - mean|^2 with the protected "
    "component drawn again at random, 2 where it is all; a breach is above the threshold and beyond the null; scale = "
    "RMS change of log sigma, which no projection removes"
)


def audit(
    weights: Weights,
    policy: Policy,
    corpus: "Source | Moments" = "default",
    *,
    threshold: Share = THRESHOLD,
    draws: Draws = 19,
    seed: Seed = 0,
    tokens: int | None = None,
    progress: Progress | None = None,
) -> "xr.Dataset":
    """Audit a policy on a corpus: Dataset over (subspace, reader) and (subspace, writer).

    Args:
        weights: The model.
        policy: What is protected, and who may load, store and declassify.
        corpus: The shipped one, a folder, a file, texts, token ids, or saved ``ls.statistics.moments``.
        threshold: The fraction of a reader's load, and of the power in a subspace, that counts as a breach.
        draws: The number of random placements of the same component. Taint must exceed them by Student's t of its log.
        seed: The seed for drawing the component's tokens and the placements.
        tokens: The number of tokens at which to stop adding documents.
        progress: Called with the number of steps done and the total.

    Returns:
        Per reader: may_load, declassifies, traffic, own, p, direct, taint, expected (mean taint of the placements),
        taint_p, scale, breach and tainted. Per writer: may_store, stored (its fraction of the power in the subspace),
        stored_p and store_breach. A breach of a reader is own > threshold with p below .01 divided by the number of
        tests.

    Raises:
        NoSuchSite, BadRequest, BadPrompt, Undefined: The policy or the corpus does not fit the model.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> space = ls.policies.subspace(model, [" cat", " dog"])
        >>> policy = ls.policies.Policy({"animals": space}, load={"animals": "!L1.*"})
        >>> texts = ["the cat sat on the mat. the dog sat on the log.", "one two three one two three"]
        >>> audit = ls.audit(model, policy, texts, draws=2)
        >>> audit["subspace"].values.tolist(), audit.sizes["reader"]
        (['animals'], 73)
    """
    if not policy.protect:
        raise BadRequest("the policy protects nothing; name a subspace, so that there is something to audit")
    if not 0 <= threshold <= 1 or not 2 <= draws <= MOST:
        raise BadRequest(f"threshold={threshold}, draws={draws}: expected a share from 0 to 1, and 2 to {MOST} draws")
    kept = given_moments(weights, corpus, tokens=tokens)
    table = direct(kept, policy, threshold)
    parts = [_tainted(kept, right, threshold, draws, seed, progress) for right in rights(weights, policy)]
    followed = {name: (("subspace", "reader"), np.stack([part[name] for part in parts])) for name in parts[0]}
    return table.assign(followed).assign_attrs(draws=draws, definition=NOTE)


def _tainted(
    kept: Moments, right: Rights, threshold: float, draws: int, seed: int, progress: Progress | None
) -> dict[str, np.ndarray]:
    """Taint of every reader, and whether it exceeds that of the same component placed at random."""
    network = wiring(kept.weights)
    rows = right.subspace.rows.to(kept.weights.dtype)
    sources = [writer for writer in network.writers if writer in right.store]
    drawn = drawn_component(kept, rows, sources, network.readers, seed)
    generator = torch.Generator().manual_seed(seed)
    others = [
        drawn.turned(rows, orthonormal(torch.randn(rows.shape, generator=generator, dtype=torch.float64)).to(rows))
        for _ in range(draws)
    ]
    clean = [_store_of(reader) for reader in right.declassify]
    measured = taint(
        kept, [drawn, *others], network.readers, [source for source in dict.fromkeys(clean) if source], progress
    )
    met = np.array([any(network.connects(writer, reader) for writer in sources) for reader in network.readers])
    denied = np.array([reader not in right.load for reader in network.readers]) & met
    own, random = _stack(measured[:1], "total")[0], _stack(measured[1:], "total")
    expected = random.mean(0)
    p = _beyond(own, random)
    result = {name: np.where(met, _stack(measured[:1], name)[0], np.nan) for name in ("direct", "scale")}
    result |= {"taint": np.where(met, own, np.nan), "expected": np.where(met, expected, np.nan)}
    result["taint_p"] = np.where(met, p, np.nan)
    result["tainted"] = denied & (own > threshold) & (p < LEVEL / max(1, int(denied.sum())))
    return result


def _beyond(taints: np.ndarray, random: np.ndarray) -> np.ndarray:
    """Upper tail of Student's t of log taint, with mean and spread estimated from the placements."""
    logs, log = (np.log(np.maximum(each, 1e-300)) for each in (random, taints))
    draws = len(random)
    spread = logs.std(0, ddof=1) * np.sqrt(1 + 1 / draws)
    t = (log - logs.mean(0)) / np.maximum(spread, 1e-12)
    angles = np.linspace(-np.pi / 2, np.pi / 2, ANGLES)  # t = √ν tan θ has the density cos^(ν − 1) θ
    density = np.cos(angles).clip(min=0) ** (draws - 2)
    tails = density[::-1].cumsum()[::-1] / density.sum()
    return np.where(taints > 0, np.interp(np.arctan(t / np.sqrt(draws - 1)), angles, tails), 1.0)


def _stack(measured: list[Taint], name: str) -> np.ndarray:
    return torch.stack([getattr(each, name) for each in measured]).cpu().numpy()


def _store_of(reader: Reader) -> Writer | None:
    """The writer whose store depends on a reader's load; None for the unembedding."""
    if reader.is_unembed:
        return None
    return Writer("mlp", reader.layer) if reader.is_mlp else Writer("head", reader.layer, reader.index)
