"""The forward pass, with and without edits, and its record (Trace)."""
