"""The commands. Nothing heavy is imported before a command runs."""

import typer

from loadstore.cli import (
    address,
    analyse,
    channels,
    demo,
    discover,
    emergence,
    explore,
    export,
    head,
    lifetimes,
    listing,
    maps,
    models,
    patch,
    permissions,
    prove,
    reach,
    report,
    sweep,
    tasks,
    train,
    version,
    vocabulary_map,
    wires,
)

app = typer.Typer(
    name="loadstore",
    help="See how a transformer works as a load/store machine.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
)
app.callback()(version.version)
app.command()(report.report)
app.command()(explore.explore)
app.command()(listing.listing)
app.command()(listing.verify)
app.command()(analyse.scores)
app.command()(channels.channels)
app.command()(wires.wires)
app.command()(maps.maps)
app.command()(lifetimes.lifetimes)
app.command()(reach.reach)
app.command()(patch.patch)
app.command()(address.address)
app.command("vocabulary-map")(vocabulary_map.vocabulary_map)
app.command()(tasks.tasks)
app.command()(discover.discover)
app.command()(prove.prove)
app.command()(export.export)
app.command()(permissions.audit)
app.command()(permissions.enforce)
app.command()(analyse.heads)
app.command()(analyse.spectrum)
app.command()(head.head)
app.command()(train.train)
app.command()(emergence.emergence)
app.command()(sweep.sweep)
app.command("demo-induction")(demo.demo_induction)
app.command()(models.models)
