"""Whether a wire matters: traffic, effect, and both together."""
