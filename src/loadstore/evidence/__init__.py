"""Alignment, traffic and effect side by side: wires, verified listings, induction circuits, dossiers."""
