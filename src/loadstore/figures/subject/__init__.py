"""The subject of figures: a model, a prompt, a question, and shared results."""
