"""``loadstore patch``: the effect on a prediction of cutting a wire or patching it from another prompt."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadstore.cli.options import Begin, Json, Model, Positions, open_model, print_json, print_table
from loadstore.cli.question import (
    ARTICLE,
    At,
    Counterfactual,
    Ids,
    Prompt,
    PromptOption,
    as_at,
    as_ids,
    named,
    prompt_of,
    spaced,
)
from loadstore.cli.say import tell

if TYPE_CHECKING:
    import xarray as xr

    from loadstore.causal.predictions import Metric
    from loadstore.execution.trace import Trace

LONG = 5.0  # seconds: longer computations are announced


def patch(
    model: Model = "builtin",
    prompt: Prompt = None,
    text: PromptOption = None,
    counterfactual: Counterfactual = None,
    where: Annotated[
        list[str] | None, typer.Option(help="Wires, a glob such as '* -> L1.*.K'; may be repeated.")
    ] = None,
    predict: Annotated[
        str | None,
        typer.Option(help="The token whose log-probability is measured; by default the first prediction."),
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Another token, whose logit is subtracted.", show_default=False)
    ] = None,
    at: At = "-1",
    top: Annotated[int, typer.Option(help="Number of wires to print, largest change first; 0 for all.", min=0)] = 20,
    ids: Ids = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Patch single wires from another prompt, or cut them, and show the change of a prediction.

    Each wire is edited alone: only its reader loads the writer's stores of --counterfactual at all tokens, with norm
    scales frozen. Without --counterfactual the wire is cut: its reader loads their mean. Log-probabilities are in nats.
    --predict and --against are texts of exactly one token, or ids with --ids.

    Example: loadstore patch builtin "the cat sat. the cat" --where "* -> L1.*.Q" --top 5

    Example: loadstore patch smollm2 "The capital of France is Paris. The capital of Italy is" --where "* -> L18.H6.K"
    """
    from loadstore.causal.measure import measure
    from loadstore.causal.sweep import sweep
    from loadstore.cli.progress import counting
    from loadstore.errors import BadRequest
    from loadstore.execution.positions import token_index
    from loadstore.execution.run import run

    for glob in where or ():
        if "->" not in glob and "→" not in glob:
            raise BadRequest(f"--where {glob[:40]!r}: expected 'WRITERS -> READERS', such as 'L0.H* -> L1.*.K'")
    weights = open_model(model, positions, bos)
    asked = prompt_of(prompt, text, ids)
    trace = run(weights, ARTICLE if asked is None else asked, record=True)
    other = None
    if counterfactual is not None:
        other = run(weights, counterfactual if ids is None else as_ids(counterfactual), record=True)
    asked_at = as_at(at)
    index = token_index(trace, asked_at)
    token, less = (
        spaced(trace, index, named(target, ids, option), option)
        for target, option in ((predict, "--predict"), (against, "--against"))
    )
    metric, first = _metric(trace, asked_at if isinstance(asked_at, int) else index, token, less)
    with counting(f"{weights.name}: wires") as progress:
        table = sweep(trace, where or "* -> *", metric=metric, source=other, progress=progress, estimate=_announce)
    whole = None if other is None else float(measure(metric, other, other)[0])
    rows = _ranked(table)
    shown = rows[: top or None]
    if json:
        document = {**table.attrs, "first_prediction": first, "from": counterfactual, "there": whole, "wires": rows}
        print_json("patch", document)
        return
    first = f" ({first}, the first prediction)" if first else ""
    there = "" if whole is None else f"; in the other prompt {whole:+.3f}"
    tell(
        f"{weights.name}, after {trace.labels[index]}: {table.attrs['metric']}{first}\n"
        f"here {table.attrs['before']:+.3f}{there}; BOS: {table.attrs['bos']}\n{table.attrs['definition']}\n"
    )
    lines = [[row["writer"], row["reader"], f"{row['change']:+.4f}"] for row in shown]
    title = f"{len(shown)} of {len(rows):,} wires" if len(shown) < len(rows) else f"{len(rows):,} wires"
    large = [index for index, row in enumerate(shown) if abs(row["change"]) >= abs(rows[0]["change"]) / 2]
    print_table(title, ("writer", "reader", "change"), lines, large)


def _metric(trace: "Trace", at: int, token: int | str | None, against: int | str | None) -> "tuple[Metric, str]":
    """The requested metric, and the text of its token if it is chosen here."""
    from loadstore.causal.metrics import log_probability, logit_difference
    from loadstore.errors import BadRequest
    from loadstore.tokenizer.tokens import text_of

    if against is not None and token is None:
        raise BadRequest("--against compares with a token; name the predicted one too, with --predict")
    if token is not None:
        return (log_probability(token, at=at) if against is None else logit_difference(token, against, at=at)), ""
    best = int(trace.logits[at].argmax())
    return log_probability(best, at=at), text_of(best, trace.weights.tokens)


def _announce(seconds: float) -> None:
    if seconds > LONG:
        about = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
        print(f"about {about} for all of these wires (measured on the first of them)", file=sys.stderr, flush=True)


def _ranked(table: "xr.Dataset") -> list[dict[str, Any]]:
    columns = (table["writer"].values.tolist(), table["reader"].values.tolist(), table["change"].values.tolist())
    rows = [{"writer": w, "reader": r, "change": c} for w, r, c in zip(*columns, strict=True)]
    return sorted(rows, key=lambda row: -abs(row["change"]))
