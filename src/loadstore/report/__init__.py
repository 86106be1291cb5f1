"""The article's figures for one model and one prompt."""
