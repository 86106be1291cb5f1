"""Results from the weights alone: scores of wires, spectra, channels and vocabulary maps."""
