"""Pages: which figures, in which order, and what is left out."""
