"""What a page must show of its views: the tables that each should have, and how they are read back."""

import base64
import re
from typing import Any

from browser.sample_layers import block, lines
from browser.shown_sums import steps, walk_tables

View = dict[str, Any]
Shown = dict[tuple[str | None, str | None], list[list[Any]]]

READ_TABLES = """() => [...document.querySelectorAll('table[data-figure]')].map(table => ({
    figure: table.dataset.figure, view: table.dataset.view, panel: table.dataset.panel, detail: table.dataset.detail,
    columns: [...table.querySelectorAll('thead th[scope=col]')].map(cell => cell.textContent),
    rows: [...table.querySelectorAll('tbody th[scope=row]')].map(cell => cell.textContent),
    total: [...table.querySelectorAll('tfoot [data-value]')].map(cell => cell.dataset.value),
    values: [...table.tBodies[0].rows].map(row => [...row.querySelectorAll('[data-value]')].map(c => c.dataset.value)),
}))"""


def views_of(document: View) -> dict[str, View]:
    """The one view of each figure, by the figure's id."""
    return {figure["id"]: figure["views"][0] for part in document["sections"] for figure in part["figures"]}


def exact(cell: object) -> object:
    """A cell as it comes back from `data-value`."""
    return "null" if cell is None else cell if isinstance(cell, str) else float(str(cell))


def read(text: str) -> object:
    """A number if the attribute holds one, else its word."""
    return float(text) if re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", text) else text


def tables_of(view: View) -> Shown:
    """Every table that `view` should have, by panel and detail."""
    match view["schema"]:
        case "loadstore/table@1":
            return {(None, None): view["rows"]}
        case "loadstore/lines@1":
            return {(None, None): [[x, y] for s in view["series"] for x, y in zip(s["x"], s["y"], strict=True)]}
        case "loadstore/bars@1":
            return {(None, None): [[row["value"], row["text"]] for row in view["rows"]]}
        case "loadstore/program@1":
            return {(None, None): [[row["op"], row["place"], operands(row), row["comment"]] for row in view["rows"]]}
        case "loadstore/waterfall@1":
            return {(None, None): steps(view["rows"], view["remainder"])}
        case "loadstore/walk@1":
            return walk_tables(view)
        case "loadstore/switch@1":
            return {key: rows for inner in view["choices"][0]["views"] for key, rows in tables_of(inner).items()}
        case "loadstore/address@1":
            weights = [row["weights"] for row in view["rows"]]
            return {("weights", None): weights, ("weights", "effective"): [[row["effective"]] for row in view["rows"]]}
        case "loadstore/memory@1":
            weight = view["weights"]
            return {("values", None): view["values"], (weight["label"], None): [[value] for value in weight["values"]]}
        case "loadstore/diagram@1":
            return {(None, None): [[loads(step), step["stores"] or "", step["detail"]] for step in view["steps"]]}
        case "loadstore/formula@1":
            terms = [term for row in view["rows"] for term in row["terms"]]
            return {(None, None): [[written(term), term.get("shape") or ""] for term in terms]}
        case "loadstore/patterns@1":
            return {(view["heads"][0]["name"], None): pattern(view, 0)}
        case "loadstore/layers@1":
            return {**block(view)}
        case _:
            shown: Shown = {}
            for panel in view["panels"]:
                shown[panel["title"], None] = panel["values"]
                shown |= {(panel["title"], name): values for name, values in panel.get("details", {}).items()}
            return shown


def axes_of(view: View) -> tuple[list[str], list[str]] | None:
    """Row and column labels of a view's first matrix; None for a list."""
    if view["schema"] == "loadstore/address@1":
        return [row["label"] for row in view["rows"]], view["tokens"]
    if view["schema"] == "loadstore/patterns@1":
        return view["tokens"], view["tokens"]
    if view["schema"] == "loadstore/layers@1":
        rows, columns = ([label for label, _ in lines(view[axis], None)] for axis in ("rows", "columns"))
        return rows, columns
    return (view["rows"]["labels"], view["columns"]["labels"]) if isinstance(view.get("rows"), dict) else None


def loads(step: View) -> str:
    """What a step of the sample's diagrams loads, in words."""
    names = {"stream": "residual stream: 11 rows of 384", "pos": "pos"}
    sides = {source: [load["label"] for load in step["loads"] if load["source"] == source] for source in names}
    return "; ".join(f"{', '.join(labels)} from {names[source]}" for source, labels in sides.items() if labels)


def operands(row: View) -> str:
    """What a line of a program loads, in one text."""
    return " | ".join(part["text"] for part in row["parts"])


def written(term: View) -> str:
    """A term with its scripts, on one line."""
    marks = {"_": term.get("sub"), "^": term.get("sup")}
    return term["text"] + "".join(mark + text for mark, text in marks.items() if text)


def pattern(view: View, head: int) -> list[list[float | None]]:
    """One head of a causal `loadstore/patterns@1`, unpacked."""
    size = len(view["tokens"])
    data = iter(base64.b64decode(view["packed"])[head * size * (size + 1) // 2 :])
    return [[next(data) / 255 if key <= query else None for key in range(size)] for query in range(size)]
