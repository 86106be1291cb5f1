"""``loadstore listing`` and ``loadstore verify``: the program of one prediction, and its proof."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from loadstore.cli.listing_json import listing_document, proof_document
from loadstore.cli.options import Begin, Json, Model, Positions, open_model, print_json
from loadstore.cli.question import AGAINST, ARTICLE, At, Predict, as_ids, named

if TYPE_CHECKING:
    from loadstore.decomposition.program import Listing

Prompt = Annotated[str, typer.Argument(help="The text.")]
Against = Annotated[str | None, typer.Option(help=AGAINST, show_default="the mean of all tokens")]
Share = Annotated[float, typer.Option(help="List loads until so much of them is explained.")]
Most = Annotated[int, typer.Option(help="Steps at most.", min=1)]
Ids = Annotated[
    str | None, typer.Option("--ids", help="Token ids such as '0,17,4' instead of a text.", show_default=False)
]


def listing(
    model: Model = "builtin",
    prompt: Prompt = ARTICLE,
    at: At = -1,
    predict: Predict = None,
    against: Against = None,
    share: Share = 0.9,
    most: Most = 24,
    ids: Ids = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Print the load/store program of one prediction, backwards from its logit.

    LOAD lines divide what a step read among writers (signed shares that sum to 1; ≈ of an MLP: without that writer),
    ADDR is the attention, STORE what was stored. What cutting a wire does is estimated here; loadstore verify cuts.

    Example: loadstore listing builtin "the cat sat on the mat. the dog sat on the log." --at 10 --predict ' on'
    """
    found = _find(model, prompt, at, predict, against, share, most, ids, positions, bos)
    if json:
        print_json("listing", listing_document(found))
        return
    _echo(str(found))
    weights = found.trace.weights
    typer.echo(f"\n{weights.name}; BOS: {weights.begins}; effects are estimated by attribution; loadstore verify cuts")


def verify(
    model: Model = "builtin",
    prompt: Prompt = ARTICLE,
    at: At = -1,
    predict: Predict = None,
    against: Against = None,
    share: Share = 0.9,
    most: Most = 24,
    controls: Annotated[int, typer.Option(help="Wires of as much traffic, for each cut.", min=1)] = 20,
    replicates: Annotated[int, typer.Option(help="Prompts with other random tokens in the same places.", min=2)] = 8,
    paraphrase: Annotated[
        list[str] | None,
        typer.Option(help="Instead: a text after which the same is predicted; at least two.", show_default=False),
    ] = None,
    counterfactual: Annotated[
        str | None,
        typer.Option(
            help="A text of as many tokens; wires outside the listing carry its stores.",
            show_default="their mean over the default corpus",
        ),
    ] = None,
    ids: Ids = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Cut every load's largest wire of a listing, beside controls that carry as much, and say what holds.

    First: how much of the target the listing's wires give alone (sufficiency), and how much goes without them
    (necessity), while all other wires carry a counterfactual text or the mean of a corpus.

    ✔ verified: the target moves as the listing says, further than for every control, and does so again (mean beyond
    two standard errors) on other prompts. ◦: beyond its controls here, not replicated. ✘: neither.

    Example: loadstore verify builtin "the cat sat on the mat. the dog sat on the log." --at 10 --predict ' on'
    """
    from loadstore.cli.progress import counting
    from loadstore.evidence.verify import verify as prove

    found = _find(model, prompt, at, predict, against, share, most, ids, positions, bos)
    with counting(f"{found.trace.weights.name}: cuts and controls") as progress:
        proof = prove(
            found,
            controls=controls,
            replicates=replicates,
            paraphrases=paraphrase,
            against=counterfactual,
            progress=progress,
        )
    if json:
        print_json("verified", {**listing_document(found), **proof_document(proof)})
        return
    _echo(str(proof))


def _find(  # the options of both commands
    model: str,
    prompt: str,
    at: int,
    predict: str | None,
    against: str | None,
    share: float,
    most: int,
    ids: str | None,
    positions: str | None,
    bos: str,
) -> "Listing":
    from loadstore.decomposition.listing import listing as find
    from loadstore.execution.run import run

    weights = open_model(model, positions, bos)
    trace = run(weights, prompt if ids is None else as_ids(ids), record=True)
    token, other = named(predict, ids, "--predict"), named(against, ids, "--against")
    return find(trace, at, token, other, share=share, most=most)


def _echo(text: str) -> None:
    """Colour in a terminal: what loads, what stores, what is verified; the marks say the same."""
    if not sys.stdout.isatty():
        typer.echo(text)
        return
    from rich.text import Text

    from loadstore.cli.say import console
    from loadstore.visible import shown

    styled = Text(shown(text))
    for pattern, style in STYLES.items():
        styled.highlight_regex(pattern, style)
    console().print(styled, soft_wrap=True)


STYLES = {
    r"(?m)^(L\d+\.\S+|unembed)": "bold",
    r"\bLOAD(\.[QKV])?\b": "cyan",
    r"\bADDR\b": "magenta",
    r"\bSTORE\b": "yellow",
    r"(?m); .*$": "dim",
    r"✔ verified": "green",
    r"[✘◦] [^;\n]*": "red",
}
