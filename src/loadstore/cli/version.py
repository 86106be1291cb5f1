"""``loadstore --version``."""

from typing import Annotated

import typer

from loadstore.version import VERSION


def _print(asked: bool) -> bool:  # noqa: FBT001 typer calls it
    """Print the version and exit if requested."""
    if asked:
        typer.echo(f"loadstore {VERSION}")
        raise typer.Exit
    return asked


def version(
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print, is_eager=True)
    ] = False,
) -> None:
    """See how a transformer works as a load/store machine."""
