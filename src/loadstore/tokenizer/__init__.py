"""Conversion between text and token ids: a model's tokenizer, and the checks of its files."""
