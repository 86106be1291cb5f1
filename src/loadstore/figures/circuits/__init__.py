"""Figures of a task's circuit: its pairs, its wires, F by size, its proof."""
