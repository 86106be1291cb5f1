"""Circuits of a task: pairs of prompts, attributions, runs of a circuit alone, proof (docs/circuits.md)."""
