"""What changes when a store is replaced: metrics, ablations, cuts and their controls."""
