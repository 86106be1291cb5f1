"""A client of a server of the built-in model."""

from collections.abc import Iterator

import pytest
from served import ARTICLE, Client, serving


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    import loadstore as ls
    from loadstore.explorer.state import Explorer

    with serving(Explorer(ls.load("builtin"), ARTICLE)) as served:
        yield Client(served.address)
