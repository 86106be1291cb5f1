"""The effects of replaced stores: metrics, ablations, cuts and their controls."""
