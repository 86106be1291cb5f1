"""The digest of a model, computed once; circuits identify their model by it."""

from weakref import WeakKeyDictionary

from loadstore.checkpoints.digest import digest_of
from loadstore.errors import NotThisModel
from loadstore.model.weights import Weights

_DIGESTS: WeakKeyDictionary[Weights, str] = WeakKeyDictionary()


def digest(weights: Weights) -> str:
    """The digest of a model's content, 64 hexadecimal digits."""
    if weights not in _DIGESTS:
        _DIGESTS[weights] = digest_of(weights)
    return _DIGESTS[weights]


def check_model(name: str, expected: str, weights: Weights) -> None:
    """Raise NotThisModel unless ``expected`` is the digest of the model."""
    if digest(weights) != expected:
        raise NotThisModel(
            f"the circuit is of {name} (digest {expected[:12]}…), and {weights.name} has other weights; load the model "
            "that it was found in"
        )
