"""What the weights alone say: scores of wires, spectra, channels and vocabulary maps."""
