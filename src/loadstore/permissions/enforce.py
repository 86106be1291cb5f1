"""Enforces a policy in the weights: projects denied subspaces out of the matrices of readers and writers."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from loadstore.errors import BadRequest
from loadstore.execution.edits import Deny, Edit
from loadstore.linear.blocked import orthonormal
from loadstore.model.denied import ungrouped, without
from loadstore.model.globs import Site
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.permissions.policy import Policy, rights
from loadstore.sites import Reader, Writer


def enforce(weights: Weights, policy: Policy, *, ungroup: bool = False) -> Weights:
    """Return weights in which no reader loads from, and no writer stores into, a subspace that the policy denies it.

    Exact in the weights: W′ = Γ⁻¹ (I − P̃ᵀP̃) Γ W. A norm's scale 1/σ still depends on the protected component: a
    covert channel of one number per token, which ``ls.audit`` measures. There is no guarantee for other components
    that hold the same information.

    Args:
        weights: The model; it is not changed.
        policy: A policy; if it denies nothing, ``weights`` itself is returned.
        ungroup: First give each query head its own keys and values if the policy denies K or V to part of a group.

    Raises:
        NoSuchSite: The policy names a site that the model does not have.
        BadRequest: The policy does not fit the model, or it denies K or V of one query head without its siblings.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> space = ls.policies.subspace(model, [" cat", " dog"])
        >>> policy = ls.policies.Policy({"animals": space}, load={"animals": "!L1.*"})
        >>> enforced = ls.enforce(model, policy)
        >>> enforced.name != model.name or enforced is not model
        True
    """
    reads, stores = denied(weights, policy)
    if not reads and not stores:
        return weights
    if split := _split(weights, reads):
        if not ungroup:
            reader, siblings = split
            raise BadRequest(
                f"{reader} is denied what {', '.join(map(str, siblings))} may load, but they share one matrix; deny "
                "all of them, or use ungroup=True (--ungroup)"
            )
        weights = ungrouped(weights)
    enforced = without(weights, spans(reads), spans(stores))
    return replace(enforced, name=weights.name if weights.name.endswith(SUFFIX) else weights.name + SUFFIX)


SUFFIX = " (enforced)"
Names = tuple[str, ...]


def denied(weights: Weights, policy: Policy) -> tuple[dict[Reader, dict[str, Tensor]], dict[Writer, dict[str, Tensor]]]:
    """Return the denied rows of each reader and each writer, by the name of the subspace."""
    network = wiring(weights)
    reads: dict[Reader, dict[str, Tensor]] = defaultdict(dict)
    stores: dict[Writer, dict[str, Tensor]] = defaultdict(dict)
    for right in rights(weights, policy):
        for reader in network.readers:
            if reader not in right.load:
                reads[reader][right.name] = right.subspace.rows
        for writer in network.writers:
            if writer not in right.store:
                stores[writer][right.name] = right.subspace.rows
    return dict(reads), dict(stores)


def spans(denials: Mapping[Site, Mapping[str, Tensor]]) -> dict[Site, Tensor]:
    """The denied rows of each site, with several subspaces joined."""
    made: dict[Names, Tensor] = {}
    denied: dict[Site, Tensor] = {}
    for site, rows in denials.items():
        key = tuple(rows)
        if key not in made:
            made[key] = orthonormal(torch.cat([each.double() for each in rows.values()]))
        denied[site] = made[key]
    return denied


def _split(weights: Weights, reads: Mapping[Reader, Mapping[str, Tensor]]) -> tuple[Reader, Sequence[Reader]] | None:
    """The first K or V that is denied more than another query head that shares it, and those other heads' sides."""
    shape = weights.architecture
    for reader in reads:
        if reader.side not in ("K", "V"):
            continue
        group = [index for index in range(shape.n_heads) if shape.kv(index) == shape.kv(reader.index)]
        siblings = [Reader(reader.layer, index, reader.side) for index in group]
        if others := [sibling for sibling in siblings if set(reads[reader]) - set(reads.get(sibling, {}))]:
            return reader, others
    return None


def policy_edits(weights: Weights, policy: Policy) -> list[Edit]:
    """Return the policy as edits: ``ls.run(model, prompt, edits=…)`` gives the same results as the enforced weights.

    If the policy denies a store of a head, or of an MLP with a norm after it, the run and its trace have weights with
    other matrices.

    Args:
        weights: The model.
        policy: The policy.

    Returns:
        The edits.

    Raises:
        LoadstoreError: The errors of ``ls.enforce``, except for split groups, which edits can deny.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> space = ls.policies.subspace(model, [" cat", " dog"])
        >>> policy = ls.policies.Policy({"animals": space}, load={"animals": "!L1.*"})
        >>> len(ls.policies.policy_edits(model, policy)) > 0
        True
    """
    reads, stores = denied(weights, policy)
    return [Deny(site, rows) for site, rows in (*spans(reads).items(), *spans(stores).items())]
