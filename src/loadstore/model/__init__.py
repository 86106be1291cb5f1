"""The machine: architecture, weights and wiring, as immutable values."""
