"""The model: architecture, weights and wiring, as immutable values."""
