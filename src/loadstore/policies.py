"""Policies over subspaces, for ``ls.audit``, ``ls.enforce`` and ``ls.leak_test``."""

from loadstore.arguments import public as _public
from loadstore.permissions.enforce import policy_edits as _policy_edits
from loadstore.permissions.policy import Policy
from loadstore.permissions.sources import subspace as _subspace
from loadstore.permissions.subspace import Subspace

__all__ = ["Policy", "Subspace", "policy_edits", "subspace"]

policy_edits = _public(_policy_edits, "ls.policies")
subspace = _public(_subspace, "ls.policies")
