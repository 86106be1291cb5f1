"""The behaviour of heads: patterns and roles."""
