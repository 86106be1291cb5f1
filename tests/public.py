"""Every public name of loadstore, as users write it after ``ls.``: those at the top, then those of each namespace."""

from types import ModuleType
from typing import Any

import loadstore as ls

CLASSES = ("errors", "types")  # namespaces without functions


def public() -> dict[str, Any]:
    """Each public function and class of the top and of the namespaces of functions, by its name."""
    top = {name: getattr(ls, name) for name in ls.__all__}
    inside = {
        f"{name}.{inner}": getattr(module, inner)
        for name, module in top.items()
        if isinstance(module, ModuleType) and name not in CLASSES
        for inner in module.__all__
    }
    return {name: value for name, value in top.items() if not isinstance(value, ModuleType)} | inside
