"""Prints the addresses of the explorer once it is running, and opens its page."""

import sys
import threading
from collections.abc import Callable, Sequence

import typer

from loadstore.visible import line

OTHERS = (
    "Warning: others on the network can connect to this server. Its traffic is not encrypted, "
    "and only the key in the address protects it."
)


def present(name: str, addresses: Sequence[str], *, alone: bool, redirect: Callable[[], str] | None) -> None:
    """Print the addresses, warn if others can connect, and open the page in a browser.

    The key is printed only where the owner needs it: on a terminal, or if no browser opens. Elsewhere, the output may
    be a log that others can read.

    Args:
        name: The name of the model.
        addresses: The addresses of the server, each with the key; the first is for this machine.
        alone: Whether only this machine can connect.
        redirect: Creates the file that redirects a browser to the page, and returns its address; None for no browser.
    """
    shown = redirect is None or sys.stdout.isatty()
    for index, address in enumerate(addresses):
        lead = f"{line(name)} at" if index == 0 else "  also at"
        typer.echo(f"{lead} {address if shown else address.partition('#')[0]}")
    if not alone:
        typer.echo(OTHERS, err=True)
    typer.echo("Ctrl-C ends it.")
    if redirect is None:
        return
    by_hand = "Open " + ("the address above." if shown else addresses[0])
    try:
        file = redirect()
    except OSError as error:
        typer.echo(f"The file that opens the browser cannot be written ({error}). {by_hand}", err=True)
        return

    def browse() -> None:
        import webbrowser

        if not webbrowser.open(file):
            typer.echo(f"No browser was found. {by_hand}", err=True)

    # a text browser blocks until it is closed, and the server must answer it meanwhile
    threading.Thread(target=browse, daemon=True).start()
