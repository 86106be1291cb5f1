"""The checks of types and shapes are made, in the package too, and only where they are wanted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import shapes
import torch
from each import each
from jaxtyping import Float, Int, TypeCheckError
from torch import Tensor

from loadstore.linear import null
from loadstore.model.norms import Norm

if TYPE_CHECKING:
    import xarray as xr


@shapes.checked
def product(a: Float[Tensor, "row inner"], b: Float[Tensor, "inner column"]) -> Float[Tensor, "row column"]:
    return a @ b


@shapes.checked
def first(several: list[Float[Tensor, "row column"]], *, turned: bool = False) -> Float[Tensor, "row column"]:
    return several[0].mT if turned else several[0]


@shapes.checked
def length(text: str, of: "xr.Dataset | None" = None) -> int:
    return len(text) if of is None else 0.5  # pyright: ignore


@shapes.checked
def rows(table: Int[Tensor, "row column"]) -> Iterator[Int[Tensor, " column"]]:
    yield from table


@shapes.checked
@dataclass(frozen=True)
class Pair:
    left: Float[Tensor, " size"]
    right: Float[Tensor, " size"]


def test_what_fits_is_computed() -> None:
    a, b = torch.ones(2, 3), torch.ones(3, 4)
    assert product(a, b).shape == (2, 4)
    assert product(b.mT, torch.ones(3, 1)).shape == (4, 1)  # an axis has one size a call, not one for all calls
    assert first([a]) is a
    assert length("abc", None) == 3
    assert [row.tolist() for row in rows(torch.tensor([[1, 2], [3, 4]]))] == [[1, 2], [3, 4]]
    assert Pair(torch.ones(2), torch.zeros(2)).right.tolist() == [0, 0]


WRONG: dict[str, Any] = {
    "an axis of two sizes": lambda: product(torch.ones(2, 3), torch.ones(4, 3)),
    "a result of another shape": lambda: first([torch.ones(2, 3), torch.ones(2, 3)], turned=True),
    "a shape inside a list": lambda: first([torch.ones(2)]),
    "too few dimensions": lambda: product(torch.ones(3), torch.ones(3, 4)),
    "another format": lambda: product(torch.ones(2, 3).int(), torch.ones(3, 4)),
    "another type": lambda: length(3),  # pyright: ignore
    "a result of another type": lambda: length("abc", "known to type checkers alone"),  # pyright: ignore
    "fields that do not fit each other": lambda: Pair(torch.ones(2), torch.ones(3)),
    "a function of the package itself": lambda: null.unit(torch.ones(3)),
    "a dataclass of the package": lambda: Norm(gain=torch.ones(2).int(), centres=True),
    "a keyword of the package": lambda: Norm(centres="yes"),  # pyright: ignore
}


@each("name", WRONG)
def test_what_does_not_fit_is_an_error_of_the_checker(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "EVERY", 1)  # other tests of this process have called the package's often
    with pytest.raises(TypeCheckError):
        WRONG[name]()


def test_unchecked_calls_meet_the_code_itself() -> None:
    with shapes.unchecked():
        assert length(["a"]) == 1  # pyright: ignore
        assert length("", "") == 0.5  # pyright: ignore
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            product(torch.ones(2, 3), torch.ones(4, 3))
    with pytest.raises(TypeCheckError):
        length(["a"])  # pyright: ignore


def test_a_function_called_very_often_is_checked_now_and_then() -> None:
    fresh = shapes.checked(product.__wrapped__)  # pyright: ignore
    checked = [_refused(lambda: fresh(torch.ones(2, 3).int(), torch.ones(3, 4).int())) for _ in range(shapes.ALWAYS)]
    assert all(checked)
    later = [_refused(lambda: fresh(torch.ones(2, 3).int(), torch.ones(3, 4).int())) for _ in range(shapes.EVERY)]
    assert later.count(True) == 1


def _refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except TypeCheckError:
        return True
    return False
