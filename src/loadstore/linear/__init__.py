"""Matrices without models: factored maps, spectra, subspace scores and their exact null."""
