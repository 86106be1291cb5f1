"""Files, live objects and names: how a checkpoint becomes Weights. Nothing from a file is executed."""
