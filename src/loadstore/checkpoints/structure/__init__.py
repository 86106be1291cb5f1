"""Live decoders outside the table of families: recognised by structure, then verified against the model itself."""
