"""``loadstore patch``: what becomes of a prediction when a wire is cut, or carries what it does in another prompt."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadstore.cli.options import Begin, Json, Model, Positions, open_model, print_json, print_table
from loadstore.cli.question import ARTICLE, as_ids

if TYPE_CHECKING:
    import xarray as xr

    from loadstore.causal.predictions import Metric
    from loadstore.execution.trace import Trace

LONG = 5.0  # seconds: what takes longer is announced


def patch(
    model: Model = "builtin",
    prompt: Annotated[str, typer.Argument(help="The text.")] = ARTICLE,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Another prompt of as many tokens, to patch from (ids, if --ids); without it wires are cut.",
            show_default=False,
        ),
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option(help="Wires, a glob such as '* -> L1.*.K'; may be given again.")
    ] = None,
    predict: Annotated[
        str | None,
        typer.Option(help="The token whose log-probability is watched; by default the first prediction."),
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Another token: the logit of the first less its logit.", show_default=False)
    ] = None,
    at: Annotated[int, typer.Option(help="After this token, from 0; negative ones count from the end.")] = -1,
    limit: Annotated[int, typer.Option(help="Wires that are shown, most change first; 0: all.", min=0)] = 20,
    ids: Annotated[
        str | None, typer.Option("--ids", help="Token ids such as '0,17,4' instead of a text.", show_default=False)
    ] = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Patch single wires from another prompt, or cut them, and say how a prediction changes.

    Each wire is edited by itself: only its reader sees what its writer stored in the other prompt (or, cut, its mean),
    at all tokens, norm scales frozen. Log-probabilities are in nats. --predict and --against are texts of exactly one
    token, or ids with --ids.

    Example: loadstore patch builtin "the cat sat. the cat" --from "the cat sat. the dog" --where "* -> L1.*.Q"
    """
    from loadstore.causal.measure import measure
    from loadstore.causal.sweep import sweep
    from loadstore.cli.progress import counting
    from loadstore.errors import BadRequest
    from loadstore.execution.run import run

    for glob in where or ():
        if "->" not in glob and "→" not in glob:
            raise BadRequest(f"--where {glob[:40]!r}: expected 'WRITERS -> READERS', such as 'L0.H* -> L1.*.K'")
    weights = open_model(model, positions, bos)
    trace = run(weights, prompt if ids is None else as_ids(ids), record=True)
    other = None
    if source is not None:
        other = run(weights, source if ids is None else as_ids(source), record=True)
    metric, first = _metric(trace, at, _token(predict, ids), _token(against, ids))
    with counting(f"{weights.name}: wires") as progress:
        table = sweep(trace, where or "* -> *", metric=metric, source=other, progress=progress, estimate=_announce)
    whole = None if other is None else float(measure(metric, other, other)[0])
    rows = _ranked(table)
    shown = rows[: limit or None]
    if json:
        document = {**table.attrs, "first_prediction": first, "from": source, "there": whole, "wires": rows}
        print_json("patch", document)
        return
    first = f" ({first}, the first prediction)" if first else ""
    there = "" if whole is None else f"; in the other prompt {whole:+.3f}"
    typer.echo(
        f"{weights.name}, after {trace.labels[at]}: {table.attrs['metric']}{first}\n"
        f"here {table.attrs['before']:+.3f}{there}; BOS: {table.attrs['bos']}\n{table.attrs['definition']}\n"
    )
    lines = [[row["writer"], row["reader"], f"{row['change']:+.4f}"] for row in shown]
    title = f"{len(shown)} of {len(rows):,} wires" if len(shown) < len(rows) else f"{len(rows):,} wires"
    print_table(title, ("writer", "reader", "change"), lines)


def _token(text: str | None, ids: str | None) -> int | str | None:
    """A token of an option: its text, or its id where the prompt is given in ids."""
    from loadstore.errors import BadRequest

    if text is None or ids is None:
        return text
    if not text.isdecimal():
        raise BadRequest(f"a token is one id with --ids, such as 17; got {text[:40]!r}")
    return int(text)


def _metric(trace: "Trace", at: int, token: int | str | None, against: int | str | None) -> "tuple[Metric, str]":
    """The metric that is asked for, and the text of its token where that is chosen here."""
    from loadstore.causal.metrics import log_probability, logit_difference
    from loadstore.errors import BadRequest
    from loadstore.execution.positions import token_index
    from loadstore.tokenizer.tokens import text_of

    if against is not None and token is None:
        raise BadRequest("--against compares with a token; name that one too, --predict")
    if token is not None:
        return (log_probability(token, at) if against is None else logit_difference(token, against, at)), ""
    best = int(trace.logits[token_index(trace, at)].argmax())
    return log_probability(best, at), text_of(best, trace.weights.tokens)


def _announce(seconds: float) -> None:
    if seconds > LONG:
        about = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
        print(f"about {about} for all of these wires (measured on the first of them)", file=sys.stderr, flush=True)


def _ranked(table: "xr.Dataset") -> list[dict[str, Any]]:
    columns = (table["writer"].values.tolist(), table["reader"].values.tolist(), table["change"].values.tolist())
    rows = [{"writer": w, "reader": r, "change": c} for w, r, c in zip(*columns, strict=True)]
    return sorted(rows, key=lambda row: -abs(row["change"]))
