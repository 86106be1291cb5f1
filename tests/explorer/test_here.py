"""Where the server says that it listens, and what else it answers to: other hosts, IPv6, and names that are rebound."""

import socket
from http import HTTPStatus

import pytest
from each import each
from served import Client, builtin, serving

from loadstore.errors import BadRequest
from loadstore.explorer import here
from loadstore.explorer.here import Here
from loadstore.explorer.serve import Served
from loadstore.explorer.state import Explorer

OTHERS = ["192.168.1.5", "10.8.0.2", "2001:db8::7", "fd00::5"]


@each(
    ("bound", "names", "alone"),
    [
        ("127.0.0.1", ["127.0.0.1"], True),
        ("127.0.0.2", ["127.0.0.2"], True),
        ("::1", ["::1"], True),
        ("192.168.1.5", ["192.168.1.5"], False),
        ("0.0.0.0", ["127.0.0.1", "192.168.1.5", "10.8.0.2"], False),
        ("::", ["::1", "127.0.0.1", *OTHERS], False),
    ],
)
def test_every_address_is_named(bound: str, names: list[str], monkeypatch: pytest.MonkeyPatch, *, alone: bool) -> None:
    monkeypatch.setattr(here, "addresses", lambda: OTHERS)
    served = Here(bound, bound, 8421, "key")
    assert served.names() == names
    assert served.alone is alone
    for name in names:
        address = served.address(name)
        assert address == f"http://{f'[{name}]' if ':' in name else name}:8421/#key=key"
        assert served.named(address.removeprefix("http://").partition("/")[0])


def test_addresses_are_those_of_this_machine() -> None:
    for name in here.addresses():
        family = socket.AF_INET6 if ":" in name else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as own:
            own.bind((name, 0))  # only an address of this machine can be bound


REBOUND = [
    "evil.com:8421",
    "127.0.0.1.evil.com:8421",
    "192.168.1.5.nip.io:8421",
    "localhost.:8421",
    "0x7f000001:8421",
    "2130706433:8421",
    "127.1:8421",
    "127.0.0.1:8421,evil.com",
    "evil.com,127.0.0.1:8421",
    "user@127.0.0.1:8421",
    "127.0.0.1:8421:8421",
    "127.0.0.1:",
    ":8421",
    "[]:8421",
    "",
]


def test_a_name_that_is_rebound_is_refused() -> None:
    bounds = ("127.0.0.1", "192.168.1.5", "0.0.0.0", "::")
    assert not [(bound, name) for bound in bounds for name in REBOUND if Here(bound, bound, 8421, "key").named(name)]


def test_a_server_of_every_address_answers_and_warns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(here, "addresses", lambda: ["127.0.0.3"])
    with serving(Explorer(builtin(), [1, 2, 3]), host="0.0.0.0") as served:
        assert [address.split("/")[2].split(":")[0] for address in served.addresses] == ["127.0.0.1", "127.0.0.3"]
        assert not served.here.alone
        for address in served.addresses:
            assert Client(address).ask("model")[0] == HTTPStatus.OK
            assert Client(address).send("GET", "/", host="evil.com")[0] == HTTPStatus.MISDIRECTED_REQUEST


@pytest.mark.parametrize("host", ["::1", "[::1]", "::"])
def test_ipv6_works_or_is_refused_in_a_sentence(host: str) -> None:
    try:
        with socket.socket(socket.AF_INET6) as tried:
            tried.bind(("::1", 0))
    except OSError:  # a machine without IPv6
        with pytest.raises(BadRequest, match=r"cannot listen|is not an address"):
            Served(Explorer(builtin(), [1, 2, 3]), host, 0)
        return
    with serving(Explorer(builtin(), [1, 2, 3]), host=host) as served:
        assert served.address.startswith("http://[::1]:")
        assert Client(served.address).ask("model")[0] == HTTPStatus.OK
