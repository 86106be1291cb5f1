"""One file per checkpoint naming: which tensor is which, and nothing else."""
