"""Text to token ids and back: the tokenizer of a model, and the vetting of its files."""
