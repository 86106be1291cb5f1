"""``loadstore audit`` and ``enforce``: finds breaches of a policy, and writes a model that cannot break it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loadstore.cli.options import Begin, Json, Model, Positions, open_model, p_text, print_json, print_table

if TYPE_CHECKING:
    import xarray as xr

PolicyFile = Annotated[Path, typer.Argument(help="A policy: a TOML file with a table for each protected subspace.")]
Text = Annotated[str, typer.Option(help="'default' (documents that ship with loadstore), a text file or a folder.")]
Tokens = Annotated[int | None, typer.Option(help="Stop adding documents at this number of tokens.", min=1)]
READERS = ("reader", "own", "p", "direct", "taint", "expected", "taint_p", "scale")
NOT = (
    "Enforcement is a linear projection. It does not prevent non-linear leakage, and other writers may store the same "
    "information."
)


def audit(
    model: Model,
    policy: PolicyFile,
    corpus: Text = "default",
    tokens: Tokens = None,
    threshold: Annotated[float, typer.Option(help="Share of a reader's load that counts as a breach.")] = 0.01,
    draws: Annotated[int, typer.Option(help="The number of random placements for the null of taint.", min=2)] = 19,
    seed: Annotated[int, typer.Option(help="Seed of the random placements.", min=0)] = 0,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    every: Annotated[bool, typer.Option("--all", help="List all readers and writers, not only breaches.")] = False,
    json: Json = False,
) -> None:
    """Find the readers that load from a protected subspace, directly or by taint, and the writers that store into it.

    A policy file has a table for each subspace: source = "L0.H7" (a writer; or tokens = [...], or rows = [[...]]),
    load = [...], store = [...] and declassify = [...], globs of sites. A leading "!" excludes a site.

    Example: loadstore audit builtin policy.toml

    Example: loadstore audit smollm2 policy.toml --tokens 600
    """
    from loadstore.cli.progress import counting
    from loadstore.permissions.audit import audit as measure
    from loadstore.permissions.policy import Policy, rights

    weights = open_model(model, positions, bos)
    rules = Policy.from_toml(policy, weights)
    rights(weights, rules)
    with counting(f"{weights.name}: who breaks the policy") as progress:
        table = measure(
            *(weights, rules, corpus),
            threshold=threshold,
            draws=draws,
            seed=seed,
            tokens=tokens,
            progress=progress,
        )
    if json:
        print_json("audit", {**table.attrs, "subspaces": _objects(table)})
    else:
        _print(table, every=every)


def enforce(
    model: Model,
    policy: PolicyFile,
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to write; it is created if missing.")],
    corpus: Text = "default",
    tokens: Tokens = None,
    positions: Positions = None,
    bos: Begin = "model",
    *,
    ungroup: Annotated[
        bool, typer.Option("--ungroup", help="First give query heads their own keys and values, where needed.")
    ] = False,
    json: Json = False,
) -> None:
    """Write the model with denied subspaces projected out of its matrices, and print the cost on text.

    A Hugging Face model is written as a folder that transformers opens; any other as one of loadstore's own files.

    Example: loadstore enforce builtin policy.toml -o enforced

    Example: loadstore enforce smollm2 policy.toml -o enforced --ungroup
    """
    from loadstore.checkpoints.rewritten import folder_of, free_folder, write_folder
    from loadstore.cli.progress import counting
    from loadstore.corpora.corpus import read_corpus
    from loadstore.permissions.cost import cost
    from loadstore.permissions.enforce import denied
    from loadstore.permissions.enforce import enforce as project
    from loadstore.permissions.policy import Policy

    weights = open_model(model, positions, bos)
    rules = Policy.from_toml(policy, weights)
    enforced = project(weights, rules, ungroup=ungroup)
    reads, stores = denied(weights, rules)
    free_folder(out)
    written = folder_of(enforced, model)
    text = read_corpus(weights, corpus, tokens=tokens)
    with counting(f"{weights.name}: what enforcement costs") as progress:
        costs = cost(weights, enforced, text, progress)
    write_folder(written, out)
    facts = {"layout": written.layout, "files": sorted(written.files), "readers": len(reads), "writers": len(stores)}
    losses = {"loss_before": costs.before, "loss_after": costs.after, "divergence": costs.divergence}
    if json:
        print_json("enforce", {"model": enforced.name, **facts, **losses, "tokens": costs.tokens, "note": NOT})
        return
    typer.echo(f"{enforced.name}: {len(reads)} readers and {len(stores)} writers are denied a subspace")
    typer.echo(f"written to {out} ({written.layout}): {', '.join(sorted(written.files))}")
    typer.echo(
        f"loss {costs.before:.3f} -> {costs.after:.3f} nats, divergence {costs.divergence:.3f}, on {costs.tokens:,} "
        f"tokens of {text.name}"
    )
    typer.echo(f"{NOT} A norm's scale still depends on what is protected; audit measures it.")


def _objects(table: "xr.Dataset") -> list[dict[str, Any]]:
    """The readers and writers of every subspace, each with its numbers."""
    objects: list[dict[str, Any]] = []
    for row, name in enumerate(table["subspace"].values.tolist()):
        space: dict[str, Any] = {"subspace": name, "source": table.attrs["sources"][row]}
        space["rank"] = table.attrs["ranks"][row]
        for sites in ("reader", "writer"):
            columns = {str(key): table[key].values[row].tolist() for key in table.data_vars if sites in table[key].dims}
            names = table[sites].values.tolist()
            space[f"{sites}s"] = [
                {sites: site, **{key: values[index] for key, values in columns.items()}}
                for index, site in enumerate(names)
            ]
        objects.append(space)
    return objects


def _print(table: "xr.Dataset", *, every: bool) -> None:
    attrs = table.attrs
    typer.echo(
        f"{attrs['model']}: on {attrs['documents']} documents ({attrs['tokens']:,} tokens) of {attrs['corpus']}; BOS: "
        f"{attrs['bos']}\n{attrs['definition']}"
    )
    for space in _objects(table):
        denied = [reader for reader in space["readers"] if not reader["may_load"]]
        direct = [reader for reader in denied if reader["breach"]]
        tainted = [reader for reader in denied if reader["tainted"] and not reader["breach"]]
        stores = [writer for writer in space["writers"] if writer["store_breach"]]
        typer.echo(
            f"\n{space['subspace']} ({space['rank']} dimensions, from {space['source']}): {len(direct)} of "
            f"{len(denied)} denied readers load it, {len(tainted)} more are tainted, {len(stores)} writers without "
            "permission store into it"
        )
        rows = space["readers"] if every else [*direct, *tainted]
        if rows:
            ranked = sorted(rows, key=lambda row: -(row["taint"] if row["taint"] == row["taint"] else -1.0))
            print_table(
                "readers", ("", *READERS), [[_mark(row), *(_text(key, row[key]) for key in READERS)] for row in ranked]
            )
        kept = space["writers"] if every else stores
        if kept:
            rows = [[writer["writer"], writer["stored"], p_text(writer["stored_p"])] for writer in kept]
            print_table("writers", ("writer", "stored", "p"), rows)


def _mark(row: dict[str, Any]) -> str:
    """``!`` breach, ``~`` taint alone, ``r`` allowed, ``d`` declassifying, ``-`` denied without a breach."""
    if row["declassifies"]:
        return "d"
    return "r" if row["may_load"] else "!" if row["breach"] else "~" if row["tainted"] else "-"


def _text(key: str, value: Any) -> Any:
    return p_text(value) if key in ("p", "taint_p") else value
