"""Norms of a live model: a submodule that is a LayerNorm or an RMSNorm, with which parameters, and with which ε.

A norm is also called on its input made small, where ε decides the result.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from loadstore.checkpoints.structure.differs import PIECE, apart
from loadstore.checkpoints.structure.hints import Hints
from loadstore.checkpoints.structure.passes import Call
from loadstore.model.layers import Norm
from loadstore.model.norms import normalise

SMALL = 2.0**-7


@dataclass(frozen=True)
class NormForm:
    """A norm by its name: whether it centres, and which parameters are its gain and its bias.

    ``added``: the gain is 1 + the parameter. ``eps``: the values with which it agrees, the likeliest first.
    """

    name: str
    centres: bool
    gain: str = ""
    added: bool = False
    bias: str = ""
    eps: tuple[float, ...] = ()

    def norm(self, source: nn.Module) -> Norm:
        """The norm with the parameters of ``source``."""
        held = _tensors(source.get_submodule(self.name))
        gain, bias = held.get(self.gain), held.get(self.bias)
        if gain is not None and self.added:
            gain = 1 + gain.to(torch.promote_types(gain.dtype, torch.float32))
        return Norm(gain, bias, self.centres)


def norm_of(model: nn.Module, call: Call, hints: Hints, eps: float) -> NormForm | None:
    """Return the norm that a call computed, None if it is not one.

    Args:
        model: The live model.
        call: A call of one of its submodules.
        hints: Numbers of its config.
        eps: ε of the pass.
    """
    module = model.get_submodule(call.name)
    if call.given.shape != call.result.shape or not call.given.is_floating_point():
        return None
    try:
        with torch.no_grad():
            small = module(call.given * SMALL)
    except Exception:  # it takes more than one tensor, so it is not a norm
        return None
    if not isinstance(small, Tensor):
        return None
    pairs = [(call.given, call.result), (call.given * SMALL, small)]
    best = min((_judged(model, form, pairs, hints.eps(module), eps) for form in _forms(call.name, module)), key=_first)
    return best[1] if best[0] <= PIECE * eps else None


def _judged(
    model: nn.Module, form: NormForm, pairs: Sequence[tuple[Tensor, Tensor]], values: Sequence[float], eps: float
) -> tuple[float, NormForm]:
    """The smallest difference over values of ε, and the form with those that agree."""
    held = _tensors(model.get_submodule(form.name))
    if any(held[name].dim() != 1 for name in [form.bias] if name):  # a bias for each head, which a Norm cannot have
        return torch.inf, form
    norm = form.norm(model)
    try:
        judged = {value: max(apart(normalise(x, norm, value)[0], y) for x, y in pairs) for value in values}
    except RuntimeError:  # its parameters have other shapes
        return torch.inf, form
    best = min(judged.values())
    agreeing = tuple(value for value in values if judged[value] <= max(2 * best, PIECE * eps))
    return best, NormForm(form.name, form.centres, form.gain, form.added, form.bias, agreeing)


def _forms(name: str, module: nn.Module) -> Iterator[NormForm]:
    held = list(_tensors(module))
    assigned = [("", False, "")] if not held else []
    for gain in held if len(held) <= 2 else []:
        others = [other for other in held if other != gain]
        assigned += [(gain, added, other) for added in (False, True) for other in (others or [""])]
        assigned += [("", False, gain)] if len(held) == 1 else []
    for centres in (False, True):
        for gain, added, bias in assigned:
            yield NormForm(name, centres, gain, added, bias)


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    return {name: tensor.detach() for name, tensor in own}


def _first(judged: tuple[float, NormForm]) -> float:
    return judged[0]
