"""Permissions over subspaces of the residual stream: policies, enforcement, audits and leak tests."""
