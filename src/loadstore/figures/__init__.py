"""Every figure: from results to views, and its sentence."""
