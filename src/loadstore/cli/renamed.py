"""The current names for names of an earlier version (docs/renames.md)."""

NOW = {
    "circuit": "It is now loadstore vocabulary-map",
    "--limit": "Rows are counted by --top, removals of lifetimes by --checks",
    "--most": "The steps of a listing are counted by --top",
    "--from": "The other prompt is --counterfactual",
    "-m": "The model comes first: loadstore head MODEL HEAD",
}
