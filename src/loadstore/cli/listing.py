"""``loadstore listing`` and ``loadstore verify``: the program of one prediction, and its verification."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from loadstore.cli.listing_json import listing_document, proof_document
from loadstore.cli.options import Begin, Json, Model, Positions, open_model, print_json
from loadstore.cli.question import (
    AGAINST,
    ARTICLE,
    At,
    Counterfactual,
    Ids,
    Predict,
    Prompt,
    PromptOption,
    as_at,
    named,
    prompt_of,
    spaced,
)

if TYPE_CHECKING:
    from loadstore.decomposition.program import Listing

Against = Annotated[str | None, typer.Option(help=AGAINST, show_default="the mean of all tokens")]
Share = Annotated[float, typer.Option(help="Stop once this fraction of the total is explained (0–1).")]
Top = Annotated[int, typer.Option(help="The number of steps to print, largest share first.", min=1)]


def listing(
    model: Model = "builtin",
    prompt: Prompt = None,
    text: PromptOption = None,
    at: At = "-1",
    predict: Predict = None,
    against: Against = None,
    share: Share = 0.9,
    top: Top = 24,
    ids: Ids = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Print the load/store program of one prediction, backwards from its logit.

    LOAD lines divide a step's input among writers (signed shares that sum to 1; ≈ for an MLP: without that writer),
    ADDR is the attention, STORE the store. Effects of cuts are estimated here; loadstore verify measures them.

    Example: loadstore listing builtin "the cat sat on the mat. the dog sat on the log." --at 10 --predict ' on'

    Example: loadstore listing smollm2 "When Mary and John went to the store, John gave a drink to" --against ' John'
    """
    program = _find(model, prompt_of(prompt, text, ids), at, predict, against, share, top, ids, positions, bos)
    if json:
        print_json("listing", listing_document(program))
        return
    _echo(str(program))
    weights = program.trace.weights
    typer.echo(f"\n{weights.name}; BOS: {weights.begins}; effects are estimated by attribution; loadstore verify cuts")


def verify(
    model: Model = "builtin",
    prompt: Prompt = None,
    text: PromptOption = None,
    at: At = "-1",
    predict: Predict = None,
    against: Against = None,
    share: Share = 0.9,
    top: Top = 24,
    controls: Annotated[int, typer.Option(help="Control wires with similar traffic, for each cut.", min=1)] = 20,
    replicates: Annotated[int, typer.Option(help="Prompts with other random tokens in the same places.", min=2)] = 8,
    paraphrase: Annotated[
        list[str] | None,
        typer.Option(help="Instead: a text with the same prediction; give at least two.", show_default=False),
    ] = None,
    counterfactual: Counterfactual = None,
    ids: Ids = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    json: Json = False,
) -> None:
    """Cut the largest wire of every load in a listing, compare with control wires, and report which loads hold.

    First come sufficiency, the part of the target that the listing's wires give alone, and necessity, the part lost
    without them. The replaced wires carry the stores of --counterfactual, or else their mean over the default corpus.

    ✔ verified: the target changes as the listing predicts, more than for every control, and again (mean beyond two
    standard errors) on other prompts. ◦: more than its controls here, but not replicated. ✘: neither.

    Example: loadstore verify builtin "the cat sat on the mat. the dog sat on the log." --at 10 --predict ' on'

    Example: loadstore verify smollm2 "The capital of France is Paris. The capital of Italy is" --top 8 --controls 5
    """
    from loadstore.cli.progress import counting
    from loadstore.evidence.verify import verify as prove

    program = _find(model, prompt_of(prompt, text, ids), at, predict, against, share, top, ids, positions, bos)
    with counting(f"{program.trace.weights.name}: cuts and controls") as progress:
        proof = prove(
            program,
            controls=controls,
            replicates=replicates,
            paraphrases=paraphrase,
            against=counterfactual,
            progress=progress,
        )
    if json:
        print_json("verified", {**listing_document(program), **proof_document(proof)})
        return
    _echo(str(proof))


def _find(  # the options of both commands
    model: str,
    prompt: str | list[int] | None,
    at: str,
    predict: str | None,
    against: str | None,
    share: float,
    top: int,
    ids: str | None,
    positions: str | None,
    bos: str,
) -> "Listing":
    from loadstore.decomposition.listing import listing as find
    from loadstore.execution.positions import token_index
    from loadstore.execution.run import run

    weights = open_model(model, positions, bos)
    trace = run(weights, ARTICLE if prompt is None else prompt, record=True)
    index = token_index(trace, as_at(at))
    token = spaced(trace, index, named(predict, ids, "--predict"), "--predict")
    other = spaced(trace, index, named(against, ids, "--against"), "--against")
    return find(trace, index, predict=token, against=other, share=share, top=top)


def _echo(text: str) -> None:
    """Print with line breaks and colours in a terminal; without colours, the marks carry the same information."""
    if not sys.stdout.isatty():
        typer.echo(text)
        return
    from rich.text import Text

    from loadstore.cli.say import console
    from loadstore.cli.width import fitted
    from loadstore.visible import shown

    styled = Text(shown(text))
    for pattern, style in STYLES.items():
        styled.highlight_regex(pattern, style)
    terminal = console()
    terminal.print(fitted(styled, terminal.width), soft_wrap=True)


STYLES = {
    r"(?m)^(L\d+\.\S+|unembed)": "bold",
    r"\bLOAD(\.[QKV])?\b": "cyan",
    r"\bADDR\b": "magenta",
    r"\bSTORE\b": "yellow",
    r"(?m); .*$": "dim",
    r"✔ verified": "green",
    r"[✘◦] [^;\n]*": "red",
}
