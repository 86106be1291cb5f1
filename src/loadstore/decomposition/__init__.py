"""Exact decompositions of the stores and loads of one pass."""
