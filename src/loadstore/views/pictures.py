"""The constructors of pictures of the machine, under one name."""

from loadstore.views.addresses import MASS, address, address_row, memory
from loadstore.views.machine import Composition, Source, diagram, formula, step, term
from loadstore.views.patterns import patterns

__all__ = [
    "MASS",
    "Composition",
    "Source",
    "address",
    "address_row",
    "diagram",
    "formula",
    "memory",
    "patterns",
    "step",
    "term",
]
