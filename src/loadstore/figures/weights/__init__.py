"""Figures of a model's parts: the machine, its spectra, and what it does not define."""
