"""Generated tasks, one small module each; ``table`` lists them."""
