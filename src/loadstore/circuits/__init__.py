"""What the weights alone say: scores of wires, spectra, factored circuits."""
