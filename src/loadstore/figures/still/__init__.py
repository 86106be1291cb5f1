"""Views drawn in Python as one SVG without a script: what GitHub, an e-mail and a printed page show of a notebook."""
