"""What a model is (Weights) and what it did (Trace)."""
