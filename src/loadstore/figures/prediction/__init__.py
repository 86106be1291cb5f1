"""Figures of one prediction: its sum, its program, and the addresses behind it."""
