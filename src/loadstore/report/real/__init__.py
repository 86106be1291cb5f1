"""The report on a model beyond the article's: many layers, MLPs, grouped keys, rotary positions."""
