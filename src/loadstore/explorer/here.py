"""The server's location: the names it answers to, the addresses it prints, and the key of this run."""

import ipaddress
import socket
from dataclasses import dataclass

LOOPBACK = ("127.0.0.1", "::1", "localhost")
# The route to each starts at an address of this machine. Connecting a datagram socket sends nothing.
TOWARDS = ("192.0.2.1", "10.255.255.254", "172.31.255.254", "192.168.255.254", "2001:db8::1", "fd00::1")


@dataclass(frozen=True)
class Here:
    """A server of this machine.

    Args:
        host: The name or address given by ``--host``.
        bound: The address of the socket; 0.0.0.0 or :: for every address.
        port: The port.
        key: The key of this run.
    """

    host: str
    bound: str
    port: int
    key: str

    @property
    def everywhere(self) -> bool:
        """Whether the socket is bound to every address of this machine."""
        return ipaddress.ip_address(self.bound).is_unspecified

    @property
    def alone(self) -> bool:
        """Whether only this machine can connect."""
        return ipaddress.ip_address(self.bound).is_loopback

    def named(self, host: str) -> bool:
        """Whether a Host header names this server.

        A name that another site resolves to this machine (DNS rebinding) never does. If the server is bound to every
        address, a numeric address always does, since no site can make a browser send one in place of its own name.
        """
        name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
        if not name:
            name, port = port, "80"
        name = name.strip("[]").lower()
        if port not in (str(self.port), "" if self.port == 80 else str(self.port)):
            return False
        if name in {*LOOPBACK, self.host.lower(), self.bound.lower()}:
            return True
        machine = socket.gethostname().lower()
        return self.everywhere and (name in {machine, f"{machine}.local"} or _is_address(name))

    def own(self, origin: str) -> bool:
        """Whether an Origin header is this server's."""
        scheme, _, host = origin.partition("://")
        return scheme == "http" and self.named(host)

    def address(self, name: str, *, key: bool = True) -> str:
        """The address under a name; the key is in the fragment, which browsers neither send nor log."""
        shown = f"[{name.replace('%', '%25')}]" if ":" in name else name
        return f"http://{shown}:{self.port}/" + (f"#key={self.key}" if key else "")

    def names(self) -> list[str]:
        """The names of this server; the first is for a browser on this machine."""
        if not self.everywhere:
            return [self.host]
        family = socket.AF_INET6 if ":" in self.bound else socket.AF_INET
        first = ["127.0.0.1"] if family == socket.AF_INET else ["::1", "127.0.0.1"]
        return [*first, *(name for name in addresses() if family == socket.AF_INET6 or ":" not in name)]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def addresses() -> list[str]:
    """The addresses of this machine for outgoing connections, without loopback."""
    names: dict[str, None] = {}
    for target in TOWARDS:
        family = socket.AF_INET6 if ":" in target else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as asked:
                asked.connect((target, 9))
                names[asked.getsockname()[0]] = None
        except OSError:  # no route to that network
            continue
    return [name for name in names if not ipaddress.ip_address(name).is_loopback]
