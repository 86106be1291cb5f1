"""Displays results as pictures in a notebook: ``ls.show(result)``."""
