"""Text that models are measured on, read within bounds."""
