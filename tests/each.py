"""One statement about many inputs, as one test: what a table of refusals needs, where each row takes milliseconds."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest


def each(names: str | Sequence[str], rows: Iterable[Any], ids: Callable[[Any], str] = repr) -> Callable[[Any], Any]:
    """Like ``pytest.mark.parametrize``, but the rows are subtests: all are tried, and a failure names its row.

    Each row has a folder of its own as ``tmp_path``, what it patches is undone, and what was printed before is
    forgotten. Other fixtures are shared, so those that hold state need ``parametrize``.
    """
    listed = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    kept = [row if len(listed) > 1 else (row,) for row in rows]

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        fixtures = [one for one in inspect.signature(test).parameters.values() if one.name not in listed]

        def together(subtests: pytest.Subtests, **shared: Any) -> None:
            assert kept, "there is no row to try"
            for number, row in enumerate(kept):
                with subtests.test("-".join(ids(value)[:80] for value in row)), fresh(shared, number) as own:
                    test(**own, **dict(zip(listed, row, strict=True)))

        first = inspect.Parameter("subtests", inspect.Parameter.KEYWORD_ONLY)
        own = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in fixtures]
        together.__signature__ = inspect.Signature([first, *own])  # pyright: ignore[reportFunctionMemberAccess]
        together.__name__, together.__module__, together.__doc__ = test.__name__, test.__module__, test.__doc__
        together.pytestmark = getattr(test, "pytestmark", [])  # pyright: ignore[reportFunctionMemberAccess]
        return together

    return decorate


@contextmanager
def fresh(shared: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    """The fixtures of one row."""
    with ExitStack() as stack:
        own = dict(shared)
        if isinstance(folder := own.get("tmp_path"), Path):
            own["tmp_path"] = folder / str(number)
            own["tmp_path"].mkdir()
        if isinstance(patches := own.get("monkeypatch"), pytest.MonkeyPatch):
            own["monkeypatch"] = stack.enter_context(patches.context())
        for name in ("capsys", "capfd", "capsysbinary", "capfdbinary"):
            if name in own:
                own[name].readouterr()
        yield own
