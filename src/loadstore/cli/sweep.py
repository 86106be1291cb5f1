"""``loadstore sweep``: many checkpoints, each with several analyses, in parallel."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadstore.cli.options import Json, print_json, print_table

if TYPE_CHECKING:
    from loadstore.cost.machine import Machine
    from loadstore.sweep.dry import Need
    from loadstore.sweep.engine import Engine
    from loadstore.sweep.plan import Plan
    from loadstore.sweep.sweep import Swept


def sweep(
    plan: Annotated[
        list[str] | None,
        typer.Argument(help="A plan in TOML; or, after --models, more models.", show_default=False),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--models", help="Models, checkpoints, or a path with wildcards.", show_default=False),
    ] = None,
    analysis: Annotated[
        str | None,
        typer.Option(
            help="For --models: of scores, heads, spectrum, traffic and tasks, with commas.", show_default=False
        ),
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder of the results.")] = Path("sweep"),
    engine: Annotated[str, typer.Option(help="'local' processes, or 'ray' for a Ray cluster.")] = "local",
    workers: Annotated[
        int | None,
        typer.Option(
            help="Local processes, each on one thread; 0 computes in this process. By default one for each processor.",
            min=0,
            max=1024,
            show_default=False,
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="The address of the Ray cluster; by default RAY_ADDRESS.", show_default=False),
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would run and what it needs.")] = False,
    json: Json = False,
) -> None:
    """Run analyses of many checkpoints and compare the models; run again to compute only what is missing.

    Results are files named by what they depend on: the content of the checkpoint, the analysis and its options. A
    failed item does not stop the others; the exit code is then 1.

    Example: loadstore sweep plan.toml -o sweep/

    Example: loadstore sweep --models builtin smollm2 --analysis scores,heads -o sweep/
    """
    from loadstore.cli.interrupt import INTERRUPTED
    from loadstore.cli.progress import steps
    from loadstore.cost.machine import machine
    from loadstore.report.swept import write_swept
    from loadstore.sweep.dry import needs
    from loadstore.sweep.store import PAGE, Store
    from loadstore.sweep.sweep import sweep as run
    from loadstore.threads import available, threads_for

    planned, store = _plan(plan or [], models, analysis), Store(out)
    count = available() if workers is None else workers
    chosen = _engine(engine, count, address)
    with threads_for(0):
        here = machine()
    if dry_run:
        _print_needs(list(needs(planned, store)), here, count, json=json)
        return
    try:
        with steps("sweep") as show:
            swept = run(planned, store, chosen, here, show)
    except KeyboardInterrupt:
        typer.echo(f"stopped; what {out} holds is whole: run the same command again to go on", err=True)
        raise typer.Exit(INTERRUPTED) from None
    write_swept(swept, out / PAGE)
    if json:
        print_json("sweep", _document(swept))
    else:
        _print(swept, out)
    for item, reason in swept.failed:
        typer.echo(f"failed: {item}: {reason}", err=True)
    if swept.failed:
        typer.echo(f"{len(swept.failed)} failed; the same command tries them again", err=True)
        raise typer.Exit(1)


def _plan(names: list[str], models: list[str] | None, analysis: str | None) -> "Plan":
    """The plan of a file, or of --models and --analysis. Raises BadRequest."""
    from loadstore.errors import BadRequest
    from loadstore.sweep.options import OPTIONS
    from loadstore.sweep.plan import plan_of, read_plan

    if models:
        chosen = list(OPTIONS) if analysis is None else [name.strip() for name in analysis.split(",")]
        return plan_of([*models, *names], chosen)
    if len(names) != 1 or analysis is not None:
        raise BadRequest("give one plan in TOML, or --models with models and --analysis with analyses")
    return read_plan(Path(names[0]))


def _engine(name: str, workers: int, address: str | None) -> "Engine":
    """What computes. Raises BadRequest for an unknown engine."""
    from loadstore.errors import BadRequest
    from loadstore.quote import quote
    from loadstore.sweep.engine import Here
    from loadstore.sweep.local import Local
    from loadstore.sweep.on_ray import OnRay

    if name == "ray":
        return OnRay(address)
    if name != "local":
        raise BadRequest(f"--engine '{quote(name, 40)}': expected 'local' or 'ray'")
    if address is not None:
        raise BadRequest("--address is of a Ray cluster; give --engine ray with it")
    return Local(workers) if workers else Here()


def _print_needs(listed: "list[Need]", here: "Machine", workers: int, *, json: bool) -> None:
    """What a sweep would do."""
    from loadstore.cli.progress import duration
    from loadstore.sweep.dry import total

    whole = total(listed, here, max(1, workers))
    if json:
        rows = [
            {"item": need.item, "there": need.there, "operations": need.cost.operations, "memory": need.memory}
            | {"bytes": need.read, "seconds": need.cost.seconds(here)}
            for need in listed
        ]
        print_json("sweep", {"items": rows, "operations_per_second": here.products, "workers": workers, **whole})
        return
    for need in listed:
        if need.reason:
            typer.echo(f"would fail: {need.item}: {need.reason}", err=True)
    print_table(
        f"{len(listed)} items, {sum(need.there for need in listed)} of them computed before",
        ("item", "GFLOP", "memory in MB", "seconds", ""),
        [
            [
                need.item,
                need.cost.operations / 1e9,
                need.memory / 1e6,
                need.cost.seconds(here),
                "would fail" if need.reason else "there" if need.there else "",
            ]
            for need in listed
        ],
    )
    typer.echo(
        f"\nto compute: {whole['operations'] / 1e9:,.1f} GFLOP; {whole['bytes'] / 1e6:,.1f} MB to read; at most "
        f"{whole['memory'] / 1e6:,.0f} MB of memory for each worker; {duration(whole['seconds'])} on "
        f"{workers or 1} worker{'s' * (workers > 1)} at {here.products / 1e9:.0f} GFLOP/s each"
    )


def _document(swept: "Swept") -> dict[str, Any]:
    return {
        "computed": swept.computed,
        "kept": swept.kept,
        "models": [{"model": row.model, **row.headline} for row in swept.comparison.rows],
        "failed": [{"item": item, "reason": reason} for item, reason in swept.failed],
    }


def _print(swept: "Swept", out: Path) -> None:
    from loadstore.sweep.store import PAGE, TABLE

    columns = swept.comparison.columns
    if columns:
        print_table(
            f"{len(swept.comparison.rows)} models",
            ("model", *columns),
            [[row.model, *(row.headline.get(name, float("nan")) for name in columns)] for row in swept.comparison.rows],
        )
    typer.echo(f"\n{swept.computed} computed, {swept.kept} there before, {len(swept.failed)} failed")
    typer.echo(f"the same as {out / TABLE} and {out / PAGE}")
