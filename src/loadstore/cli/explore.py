"""``loadstore explore``."""

from typing import Annotated

import typer

from loadstore.cli.opening import present
from loadstore.cli.options import Begin, Model, Positions, open_model
from loadstore.cli.question import (
    AGAINST,
    ARTICLE,
    AtOfPrompt,
    Ids,
    Predict,
    Prompt,
    PromptOption,
    named,
    prompt_of,
    resolved,
)
from loadstore.cli.runs import prompt_of_run, run_of


def explore(
    model: Model = "builtin",
    prompt: Prompt = None,
    text: PromptOption = None,
    ids: Ids = None,
    at: AtOfPrompt = None,
    predict: Predict = None,
    against: Annotated[
        str | None,
        typer.Option(help=AGAINST, show_default="the next likeliest"),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="The port; by default the first free one from 8421 on.", min=0, max=65535)
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on; outside loopback, others with the key can connect.")
    ] = "127.0.0.1",
    positions: Positions = None,
    bos: Begin = "model",
    *,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Open a page on this machine to explore a model: its heads, memory, addresses, wires and programs.

    The page uses only a local server, protected by the key of this command, and works offline. Ctrl-C stops the server.
    Needs the extra: pip install 'loadstore[explorer]'.

    The folder of a run of loadstore train opens its last checkpoint, with a screen that follows the run.

    The page opens with one question, which can be changed there: why a token is predicted after another one.

    Example: loadstore explore builtin --prompt "the cat sat on the mat. the dog sat on the log." --at 10

    Example: loadstore explore smollm2 "When Mary and John went to the store, John gave a drink to"
    """
    from loadstore.errors import BadRequest

    try:
        from loadstore.explorer.question import begin
        from loadstore.explorer.serve import Served
        from loadstore.explorer.state import Explorer
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in ("starlette", "uvicorn"):
            raise
        raise BadRequest(
            f"the explorer needs {missing}, which is not installed: pip install 'loadstore[explorer]'"
        ) from None
    run = run_of(model)
    weights = open_model(run.model, positions, bos)
    start = prompt_of(prompt, text, ids)
    if start is None and run.folder is not None:
        start = prompt_of_run(weights)
    index, token = resolved(weights, start, at, predict, ids)
    asked = begin(weights, start, index, token, named(against, ids, "--against"))
    explorer = Explorer(weights, ARTICLE if start is None else start, asked, training=run.folder)

    served = Served(explorer, host, port)
    redirect = served.redirect if browser else None
    served.serve_until_stopped(
        lambda: present(weights.name, served.addresses, alone=served.here.alone, redirect=redirect)
    )
