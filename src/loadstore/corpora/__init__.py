"""Text for measurements on models, read within size limits."""
