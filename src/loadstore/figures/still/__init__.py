"""Views drawn in Python as one SVG without a script, for notebooks on GitHub, in e-mail and in print."""
