"""What changes when stores are replaced: metrics, effects, and sweeps over wires."""
