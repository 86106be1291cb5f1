"""Results as pictures in a notebook: ``ls.show(result)``."""
