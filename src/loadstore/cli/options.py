"""Arguments and options shared by commands, and functions that print results."""

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadstore.cli.say import draw_table, print_document, tell

if TYPE_CHECKING:
    from loadstore.model.weights import Weights
    from loadstore.tokenizer.bos import Bos

Model = Annotated[
    str,
    typer.Argument(help="'builtin', a published name, owner/name, a folder, or a model file (loadstore models)."),
]
Head = Annotated[str | None, typer.Option("--head", help="The head, such as L1.H4.", show_default=False)]
Writer = Annotated[str | None, typer.Option("--writer", help="The same as WRITER.", show_default=False)]
Positions = Annotated[
    str | None,
    typer.Option(help="learned, shortformer, rotary or none: for a state dict that lacks this.", show_default=False),
]
Begin = Annotated[
    str,
    typer.Option(
        "--bos",
        help="The start of a text: 'model' (BOS if the model's files set it), 'yes' (BOS, or else end-of-text) "
        "or 'no' (nothing). Token ids are used unchanged.",
    ),
]
BOS: "dict[str, Bos]" = {"model": "model", "yes": True, "no": False}
Corpus = Annotated[
    str, typer.Option(help="'default' (24 short documents that ship with loadstore), a text file or a folder.")
]
Tokens = Annotated[int | None, typer.Option(help="Stop adding documents at this number of tokens.", min=1)]
Experts = Annotated[
    str | None,
    typer.Option(
        help="Layers whose experts are sites, such as 3 or 3,7: L3.E5, L3.shared, L3.router in the place of L3.mlp.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def open_model(
    model: str, positions: str | None, bos: str = "model", *, check: bool = False, experts: str | None = None
) -> "Weights":
    """Load the model named on the command line. Raises BadRequest for an unknown option."""
    from loadstore.checkpoints.library import load
    from loadstore.errors import BadRequest
    from loadstore.model.architecture import GIVEN
    from loadstore.quote import one_of, quote

    if positions is not None and positions not in GIVEN:
        raise BadRequest(f"--positions {positions!r}: expected {one_of(GIVEN)}")
    if bos not in BOS:
        raise BadRequest(f"--bos {bos!r}: expected {one_of(tuple(BOS))}")
    layers = [] if experts is None else experts.split(",")
    if not all(layer.strip().isascii() and layer.strip().isdigit() and len(layer) < 9 for layer in layers):
        raise BadRequest(f"--experts {quote(repr(experts), 40)}: expected layers, such as 3 or 3,7")
    weights = load(model, positions=positions, bos=BOS[bos], check=check)
    return weights.with_experts([int(layer) for layer in layers]) if layers else weights


def subject(argument: str | None, option: str | None, name: str, missing: str) -> str:
    """The subject of a command: the argument after the model, or the option with its name.

    Args:
        argument: The text after the model.
        option: The value of the option.
        name: The option, such as ``--head``.
        missing: The error message if both are missing.

    Raises:
        BadRequest: Both are missing, or both are given and differ.
    """
    from loadstore.errors import BadRequest
    from loadstore.quote import quote

    if argument and option and argument != option:
        raise BadRequest(
            f"{quote(repr(argument), 40)} and {name} {quote(repr(option), 40)} are both given; give one of them"
        )
    if not (argument or option):
        raise BadRequest(missing)
    return argument or option or ""


def print_json(schema: str, document: dict[str, Any]) -> None:
    """Print ``{"schema": "loadstore/<schema>@1", …}``; undefined numbers become null."""
    print_document({"schema": f"loadstore/{schema}@1", **plain(document)})


def plain(value: Any) -> Any:
    """Numbers, texts, lists and dicts only; NaN and infinities become None."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], bold: Collection[int] = ()
) -> None:
    """Print a table on stdout: numbers right-aligned, with two digits unless they are text already.

    Args:
        title: The line above it.
        columns: The heading of each column.
        rows: The cells of each row.
        bold: Indices of the rows that a terminal shows in bold.
    """
    tell(title)
    numeric = [bool(rows) and isinstance(rows[0][index], float | int) for index in range(len(columns))]
    draw_table(columns, [[_text(value) for value in row] for row in rows], numeric, bold)


def p_text(value: float) -> float | str:
    """A p-value for display: small ones keep their order of magnitude, even below the smallest float."""
    if not value < 0.01:
        return value
    return f"{value:.0e}" if value > 0 else "<1e-300"


def _text(value: object) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return str(value)
