"""Converts files, live objects and names of models to Weights. Nothing from a file is executed."""
