"""Permissions over subspaces of the residual stream: policies, their enforcement, their audit and probes for leaks."""
