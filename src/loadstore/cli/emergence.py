"""``loadstore emergence``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loadstore.cli.options import Json, print_json

if TYPE_CHECKING:
    import xarray as xr


def emergence(
    runs: Annotated[list[Path], typer.Argument(help="Folders of loadstore train that keep checkpoints.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Write a page with every measure over tokens.", show_default=False),
    ] = None,
    pairs: Annotated[
        int, typer.Option(help="Pairs of the induction task that wires are attributed on.", min=3, max=1000)
    ] = 16,
    *,
    json: Json = False,
) -> None:
    """Show when the scores, wires and losses of a training run formed, measured on its checkpoints.

    Several runs, such as seeds of one recipe, are shown together, with intervals.

    Example: loadstore emergence run/ -o emergence.html

    Example: loadstore emergence seed-1/ seed-2/ seed-3/ seed-4/
    """
    from loadstore.checkpoints.library import load
    from loadstore.cli.progress import counting
    from loadstore.report.formation import write_formation
    from loadstore.training.checkpoints import kept_checkpoints
    from loadstore.training.emergence import emergence as measure
    from loadstore.training.formation import formation
    from loadstore.training.history import METRICS, read_lines
    from loadstore.training.onset import order

    with counting("measuring checkpoints") as progress:
        emerged = measure(runs, pairs=pairs, progress=progress)
    if out is not None:
        last = load(kept_checkpoints(runs[0])[-1].path)
        write_formation(last, formation(read_lines(runs[0] / METRICS)), out, emerged)
    if json:
        print_json("emergence", emerged.to_dict())
        return
    typer.echo("\n".join(rows(emerged)))
    typer.echo(order(emerged))
    if out is not None:
        typer.echo(f"the same as a page: {out}")


def rows(emerged: "xr.Dataset") -> list[str]:
    """A line for each measure: the tokens at 10, 50 and 90 %, of several runs with the interval at 50 %."""
    from loadstore.training.onset import MEASURES

    several = "run" in emerged.dims
    onset = emerged["typical_onset" if several else "onset"]
    header = f"{'measure':<42}{'10 %':>12}{'50 %':>12}{'90 %':>12}"
    lines = [header + (f"{'95 % interval at 50 %':>30}" if several else "")]
    for measure, meaning in MEASURES.items():
        tokens = "".join(f"{_count(value):>12}" for value in onset.sel(measure=measure).values.tolist())
        ends = (
            [float(emerged[end].sel(measure=measure, share=0.5)) for end in ("onset_low", "onset_high")]
            if several
            else []
        )
        lines.append(f"{meaning:<42}{tokens}" + (f"{' to '.join(map(_count, ends)):>30}" if several else ""))
    return lines


def _count(tokens: float) -> str:
    return f"{tokens:,.0f}" if tokens == tokens else "–"
