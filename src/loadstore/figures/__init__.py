"""Figures: what is drawn, apart from the pages that hold it."""
