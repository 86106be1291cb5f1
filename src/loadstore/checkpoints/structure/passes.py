"""Passes of a live model, with the inputs and results of its submodules. They run on a copy, which shares parameters.

The copy is in evaluation mode, its hooks are its own, and the state of random numbers is restored: nothing of the
user's model changes.
"""

import copy
import sys
from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from loadstore.checkpoints.quiet import quiet
from loadstore.checkpoints.structure.differs import apart, differs
from loadstore.quote import quote


@dataclass(frozen=True)
class Call:
    """One call of a submodule: the first tensor that it got, the first that it returned.

    ``mixes``: whether it also returned patterns, [batch, head, token, token].
    """

    name: str
    given: Tensor
    result: Tensor
    mixes: bool

    @property
    def changes(self) -> bool:
        """Whether it returned another tensor than it got."""
        return apart(self.result, self.given) > 0


@dataclass(frozen=True)
class Pass:
    """A pass: logits, the pattern of every layer, and the calls of the watched submodules in the order they ended."""

    tokens: Tensor
    logits: Tensor
    patterns: tuple[Tensor, ...]
    calls: tuple[Call, ...]

    def inside(self, name: str) -> list[Call]:
        """The calls of the submodules below one."""
        return [call for call in self.calls if call.name.startswith(f"{name}.")]

    def only(self, name: str) -> Call:
        """The call of a submodule that is called once. Raises NotThisModel."""
        calls = [call for call in self.calls if call.name == name]
        if len(calls) != 1:
            raise differs(quote(name, 120), "one call in a pass", f"{len(calls)} calls that take and return tensors")
        return calls[0]


def copied(model: nn.Module) -> nn.Module:
    """A copy to run: it shares parameters, or is widened to float32 if some are narrower. Raises NotThisModel."""
    narrow = any(tensor.dtype.itemsize < 4 for tensor in model.parameters() if tensor.is_floating_point())
    memo: dict[int, Any] = {} if narrow else {id(tensor): tensor for tensor in model.parameters()}
    try:
        own = copy.deepcopy(model, memo).eval()
    except Exception as error:  # whatever an attribute of a strange class raises
        raise differs("the model", "a module that can be copied", quote(error, 120)) from None
    return own.float() if narrow else own


def eager(model: nn.Module) -> None:
    """Let a copy compute its patterns explicitly, so that it can return them."""
    for module in model.modules():
        config: Any = getattr(module, "config", None)
        if hasattr(config, "_attn_implementation"):
            config._attn_implementation = "eager"


def passed(model: nn.Module, tokens: Tensor, watch: Collection[str] = (), *, patterns: bool = True) -> Pass:
    """Run a copy.

    Args:
        model: The copy.
        tokens: Token ids [batch, token].
        watch: Names of the submodules whose calls to keep.
        patterns: Whether to ask for patterns.

    Raises:
        NotThisModel: The model cannot be run like this, or has no logits or no patterns.
    """
    calls: list[Call] = []
    asked: dict[str, Any] = {"output_attentions": True} if patterns else {}
    with _still(), _watched(model, set(watch), calls, tokens.shape):
        try:
            output: Any = model(tokens, use_cache=False, return_dict=True, **asked)
        except Exception as error:  # for any error, the model does not run on token ids alone
            raise differs("the model", "a pass of token ids", quote(error, 200)) from None
    logits: object = getattr(output, "logits", None)
    if not isinstance(logits, Tensor) or logits.dim() != 3 or not bool(torch.isfinite(logits).all()):
        raise differs("the model", "finite logits for every token", "a result without them")
    listed: tuple[Any, ...] = tuple(getattr(output, "attentions", None) or ()) if patterns else ()
    size = (len(tokens), tokens.shape[1], tokens.shape[1])
    for layer, each in enumerate(listed):
        if not isinstance(each, Tensor) or each.dim() != 4 or (len(each), *each.shape[2:]) != size:
            raise differs(f"layer {layer}, attention", "a pattern for every head", "a result without one")
    if patterns and not listed:
        raise differs("the model", "patterns with output_attentions=True", "a result without them")
    return Pass(tokens, logits, listed, tuple(calls))


@contextmanager
def _still() -> Generator[None]:
    library: Any = sys.modules.get("transformers")
    with torch.random.fork_rng(devices=[]), nullcontext() if library is None else quiet(library), torch.no_grad():
        yield


@contextmanager
def _watched(model: nn.Module, names: set[str], calls: list[Call], size: torch.Size) -> Generator[None]:
    """Keep the calls of the named submodules while a pass runs."""
    handles: list[Any] = []
    for name, module in model.named_modules():
        if name in names:
            before, after = _hooks(name, calls, size)
            handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
            handles.append(module.register_forward_hook(after))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hooks(name: str, calls: list[Call], size: torch.Size) -> tuple[Callable[..., None], Callable[..., None]]:
    given: list[Tensor | None] = []

    def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given.append(_first((*args, *kwargs.values()), size))

    def after(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        results = list(output.values()) if isinstance(output, dict) else output
        results = list(results) if isinstance(results, list | tuple) else [results]
        read, result = given.pop(), _first(results, size)
        if read is not None and result is not None:
            calls.append(Call(name, read, result, any(_is_pattern(each, size) for each in results)))

    return before, after


def _first(values: Iterable[Any], size: torch.Size) -> Tensor | None:
    """A copy of the first tensor, which later operations cannot change, as [batch, token, …] where it is flat."""
    first = next((value.detach().clone() for value in values if isinstance(value, Tensor)), None)
    if first is None or first.dim() != 2 or len(first) != size.numel() or not first.is_floating_point():
        return first
    return first.unflatten(0, size)


def _is_pattern(value: object, size: torch.Size) -> bool:
    return isinstance(value, Tensor) and value.dim() == 4 and value.shape[2:] == (size[1], size[1])
