"""Rotary positions that a live model may have: the frequencies among its buffers, in pairs and turned either way."""

import torch
from torch import Tensor, nn

from loadstore.errors import NotThisModel
from loadstore.model.rotary import FASTEST, Pairs, Rotary

PAIRS: tuple[Pairs, ...] = ("halves", "adjacent")


def rotaries(model: nn.Module, d_head: int) -> list[Rotary | None]:
    """Return the rotary positions to try, and None for layers whose queries and keys do not turn.

    Args:
        model: The live model. A buffer of one axis is taken for frequencies, one of two axes for a table of sines and
            cosines over the usual frequencies.
        d_head: Width of a head.
    """
    tried: dict[Rotary, None] = {}
    for buffer in _buffers(model):
        for frequencies in _frequencies(buffer, d_head):
            for sign in (1, -1):
                turned = tuple(sign * frequency for frequency in frequencies)
                tried |= {Rotary(turned, pairs, single=True): None for pairs in PAIRS}
    return [None, *tried]


def _buffers(model: nn.Module) -> list[Tensor]:
    held = [tensor for module in model.modules() for tensor in (*module.buffers(recurse=False), *_loose(module))]
    return [tensor.detach() for tensor in held if tensor.is_floating_point()]


def _loose(module: nn.Module) -> list[Tensor]:
    """Tensors that are plain attributes of a module."""
    return [value for value in vars(module).values() if isinstance(value, Tensor)]


def _frequencies(buffer: Tensor, d_head: int) -> list[tuple[float, ...]]:
    if buffer.dim() == 1 and 1 <= len(buffer) <= d_head // 2:
        listed = tuple(buffer.double().tolist())
        return [listed] if all(0 <= frequency <= FASTEST for frequency in listed) else []
    if buffer.dim() == 2 and 2 <= buffer.shape[1] <= d_head and buffer.shape[1] % 2 == 0:
        steps = torch.arange(0, buffer.shape[1], 2, dtype=torch.int64) / buffer.shape[1]
        return [tuple((1.0 / 10_000**steps).tolist())]
    return []


def arranged(
    turns: list[Rotary | None], windows: list[int | None], longest: int
) -> tuple[Rotary | None, Rotary | None, tuple[int, ...], list[int | None]]:
    """Return the rotary positions of an architecture: of most layers, of those with a window, layers without, windows.

    Args:
        turns: What turns each layer.
        windows: The window of each layer.
        longest: The number of tokens that is verified. A layer that turns otherwise than the first layer without a
            window gets a window of this size, which leaves out nothing.

    Raises:
        NotThisModel: There are more kinds of rotary positions than two, or they do not follow the windows.
    """
    still = tuple(layer for layer, turn in enumerate(turns) if turn is None)
    kinds = list(dict.fromkeys(turn for turn in turns if turn is not None))
    if len(kinds) < 2:
        return (kinds[0], None, still, windows) if kinds else (None, None, (), windows)
    whole = next((turn for turn, window in zip(turns, windows, strict=True) if turn and window is None), None)
    if whole is None or len(kinds) > 2:
        raise NotThisModel(f"{len(kinds)} kinds of rotary positions in its layers are not supported")
    local = next(turn for turn in kinds if turn != whole)
    padded = [
        longest if turn == local and window is None else window for turn, window in zip(turns, windows, strict=True)
    ]
    if any(turn == whole and window is not None for turn, window in zip(turns, padded, strict=True)):
        raise NotThisModel("rotary positions that differ between layers with a window are not supported")
    return whole, local, still, padded
