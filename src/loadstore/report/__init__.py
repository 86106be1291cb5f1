"""Report pages: their figures, in order, and the figures left out."""
