"""Sweeps: every analysis of every checkpoint, as content-addressed files, on this machine or on a cluster."""
