"""The forward pass, with and without edits, and what it did (Trace)."""
