"""Figures of wires: what each could carry, carries, and what its cut does."""
