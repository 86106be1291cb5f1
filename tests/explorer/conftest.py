"""A client of a server of the built-in model."""

from collections.abc import Iterator

import pytest
from served import Client, on_builtin, serving


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:

    with serving(on_builtin()) as served:
        yield Client(served.address)
