"""Figures of heads: patterns, roles, dossiers."""
