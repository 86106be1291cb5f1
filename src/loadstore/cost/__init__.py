"""What every analysis costs: its work, counted from the shapes of a model, at the rates of a machine."""
