"""``loadstore report``."""

from pathlib import Path
from typing import Annotated

import typer

from loadstore.cli.options import Begin, Json, Model, Positions, open_model, print_json

ARTICLE = "the cat sat on the mat. the dog sat on the log."


def report(
    model: Model = "builtin",
    prompt: Annotated[str, typer.Option("--prompt", help="The text that the figures are about.")] = ARTICLE,
    ids: Annotated[
        str | None, typer.Option("--ids", help="Token ids such as '0,17,4' instead of a text.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="The page to write; an older one is replaced.")] = Path(
        "report.html"
    ),
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Write one self-contained, offline page about a model and a prompt, and print what its figures say.

    A small attention-only model gets the figures of the article "Intuitions for Transformer Circuits". Any other gets
    the roles of all its heads, the patterns of the notable ones, what they can read, and for the strongest induction
    head every wire into it cut, and a dossier; and what its architecture does not define. The page opens in any
    browser, in light and dark, and carries the table behind every figure.

    Example: loadstore report builtin --prompt "the cat sat on the mat. the dog sat on the log." -o report.html
    """
    weights = open_model(model, positions, bos)
    from loadstore.cli.progress import waiting
    from loadstore.report.page import write_report

    with waiting("computing the figures"):
        document = write_report(weights, out, prompt if ids is None else as_ids(ids))
    if json:
        print_json("report", {"model": weights.name, "bos": weights.begins, "path": str(out), "page": document})
        return
    for section in document["sections"]:
        for figure in section["figures"]:
            typer.echo(f"figure {figure['number']}: {figure['claim']}")
    typer.echo(f"\nwrote {out} ({out.stat().st_size / 1e6:.1f} MB): open it in any browser")


def as_ids(text: str) -> list[int]:
    """Read ``0,17,4``. Raises BadRequest."""
    from loadstore.errors import BadRequest

    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise BadRequest(f"--ids {text[:40]!r}: expected whole numbers between commas, such as 0,17,4") from None
