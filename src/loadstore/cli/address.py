"""``loadstore address``: the tokens that one head loads from at one token, and the writers of its loads."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadstore.cli.options import Begin, Head, Json, Model, Positions, open_model, print_json, print_table
from loadstore.cli.question import ARTICLE, At, Counterfactual, Ids, Prompt, PromptOption, as_at, as_ids, prompt_of

if TYPE_CHECKING:
    from loadstore.decomposition.address import About, Address

SHOWN = 5  # writers shown for a side
LARGE = 0.25  # a share that a terminal shows in bold


def address(
    model: Model = "builtin",
    prompt: Prompt = None,
    text: PromptOption = None,
    head: Head = None,
    at: At = "-1",
    about: Annotated[
        str, typer.Option(help="Keys for Q and K: 'most' (the most attended key), 'row', one key, or two: '4,2'.")
    ] = "most",
    counterfactual: Counterfactual = None,
    ids: Ids = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Show where a head loads from at one token: the tokens, and the share of every writer for Q, K and V.

    Shares are signed and sum to 1. For Q and K they divide the score of a key minus the mean over unmasked keys. For V
    they divide the head's store. const is the part of the biases. With --counterfactual they divide the difference
    between two prompts, Q and K together.

    Example: loadstore address builtin "the cat sat on the mat. the dog sat on the log." --head L1.H10 --at 10

    Example: loadstore address smollm2 "John gave a drink to Mary. Mary thanked" --head L23.H3 --at ' thanked'
    """
    from loadstore.decomposition.address import address as find
    from loadstore.errors import BadRequest
    from loadstore.execution.positions import token_index
    from loadstore.execution.run import run

    if not head:
        raise BadRequest("which head? name one, such as --head L1.H4 (loadstore heads lists what each one does)")
    weights = open_model(model, positions, bos)
    asked = prompt_of(prompt, text, ids)
    trace = run(weights, ARTICLE if asked is None else asked, record=True)
    other = None
    if counterfactual is not None:
        other = run(weights, counterfactual if ids is None else as_ids(counterfactual), record=True)
    address_at = find(trace, head, token_index(trace, as_at(at)), about=_about(about), against=other)
    if json:
        print_json("address", {"model": weights.name, "bos": weights.begins, **_document(address_at)})
        return
    typer.echo(address_at.text)
    fewest = ", ".join(address_at.labels[index] for index in address_at.smallest)
    typer.echo(
        f"effective tokens {address_at.effective:.1f} of {address_at.at + 1 - address_at.first}; 70 % on: {fewest}"
    )
    typer.echo(f"BOS: {weights.begins}\n")
    for side, shares in address_at.shares.items():
        if side in address_at.undefined:
            typer.echo(f"{side}: undefined, {address_at.undefined[side]}\n")
            continue
        ranked = sorted((writer for writer in shares if writer != "const"), key=lambda writer: -abs(shares[writer]))
        rows: list[list[str | float]] = [[writer, shares[writer]] for writer in ranked[:SHOWN]]
        if rest := ranked[SHOWN:]:
            rows.append([f"{len(rest)} others", sum(shares[writer] for writer in rest)])
        rows.append(["const", shares["const"]])
        rows.append(["remainder", f"{address_at.remainder[side]:.0e}"])
        large = [row for row, writer in enumerate(ranked[:SHOWN]) if abs(shares[writer]) >= LARGE]
        print_table(f"{side} ({_subject(address_at, side)})", ("writer", "share"), rows, large)
        typer.echo("")


def _subject(address: "Address", side: str) -> str:
    change = "the change of " if address.against else ""
    if side == "V":
        return f"of {change}what the head stores"
    if address.key is None:
        return "of the row as a whole"
    than = "the mean of all allowed keys" if address.than is None else f"that of {address.labels[address.than]}"
    together = ", Q and K together" if address.against else ""
    return f"of {change}the score of {address.labels[address.key]} minus {than}{together}"


def _about(text: str) -> "About":
    from loadstore.errors import BadRequest

    if text == "most" or text == "row":
        return text
    try:
        keys = [int(part) for part in text.split(",")]
    except ValueError:
        keys = []
    if len(keys) not in (1, 2):
        raise BadRequest(f"--about {text[:40]!r}: expected 'most', 'row', the index of a key, or two such as 4,2")
    return keys[0] if len(keys) == 1 else (keys[0], keys[1])


def _document(address: "Address") -> dict[str, Any]:
    return {
        "head": str(address.head),
        "at": address.at,
        "token": address.labels[address.at],
        "tokens": [
            {"index": index, "label": label, "weight": weight}
            for index, (label, weight) in enumerate(zip(address.labels, address.weights, strict=True))
        ],
        "smallest": list(address.smallest),
        "effective": address.effective,
        "key": address.key,
        "than": address.than,
        "remainder": dict(address.remainder),
        "shares": {side: dict(shares) for side, shares in address.shares.items()},
        "undefined": dict(address.undefined),
        "read": {
            side: {
                "place": read.place,
                "nearest": [{"id": index, "text": text, "cosine": cosine} for index, text, cosine in read.nearest],
            }
            for side, read in address.read.items()
        },
        "against": list(address.against),
        "text": str(address),
    }
