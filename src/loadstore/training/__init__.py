"""Train attention-only models from a recipe and a folder of text."""
