"""Circuits of a task: pairs of prompts, attributions of wires, runs of a circuit alone, and their proof (docs/circuits.md)."""
