"""Every figure: the views of a result and its sentence."""
