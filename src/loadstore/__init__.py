"""A load/store view of transformers: who stores what, who loads it, and by which address.

    >>> import loadstore as ls
    >>> model = ls.load("builtin")
    >>> scores = ls.subspace_scores(model)
    >>> trace = ls.run(model, "the cat sat on the mat. the dog sat on the log.")

``__init__.pyi`` lists the public names. Each is imported on first use, which keeps ``import loadstore`` fast.
"""

import lazy_loader as _lazy

from loadstore.threads import prepare as _prepare
from loadstore.version import VERSION as __version__  # noqa: F401

_prepare()  # before anything loads torch
_imported, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    """Import a public name when it is first used; functions check their arguments."""
    if name not in __all__:
        raise AttributeError(f"loadstore has no {name!r}; it has {', '.join(__all__)}")
    from loadstore.arguments import public

    value = globals()[name] = public(_imported(name))
    return value
