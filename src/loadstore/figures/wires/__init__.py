"""Figures of wires: their alignment, their traffic, and the effect of their cuts."""
