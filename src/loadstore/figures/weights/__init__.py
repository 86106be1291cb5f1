"""Figures of a model's weights: the machine, its spectra, and undefined quantities."""
