"""The tables that a waterfall, a walk and a switch should have."""

from typing import Any

View = dict[str, Any]
Rows = list[list[Any]]
LISTED = 5
"""Pairs of a walk that have a bar of their own: the bold one and the four strongest besides."""


def seven(value: float) -> float:
    """A sum as it is printed: to seven significant digits, as its terms are."""
    return float(f"{value:.7g}")


def running(values: list[Any]) -> list[float]:
    """The sum after each step; what is no number moves nothing."""
    at, sums = 0.0, []
    for value in values:
        at += value if isinstance(value, int | float) else 0.0
        sums.append(seven(at))
    return sums


def steps(rows: list[View], remainder: Any) -> Rows:
    """Value, running sum and text of every step, and of what they leave."""
    sums = running([row["value"] for row in rows])
    shown = [[row["value"], at, row["text"]] for row, at in zip(rows, sums, strict=True)]
    return [*shown, [remainder, seven(sums[-1] + remainder), "total minus the steps"]]


def pairs(view: View) -> list[tuple[Any, int, int]]:
    """Parts of a walk's score that exist, strongest first, what is no number before all."""
    cells = [(part, q, k) for q, row in enumerate(view["parts"]) for k, part in enumerate(row) if part is not None]
    return sorted(cells, key=lambda cell: -abs(cell[0]) if isinstance(cell[0], float) else float("-inf"))


def bars(view: View) -> list[View]:
    """The steps of a walk's score: its bold pair, the strongest besides, all others."""
    own = [cell for cell in pairs(view) if list(cell[1:]) == view["hero"][:2]]
    rest = [cell for cell in pairs(view) if cell not in own]
    own, rest = own + rest[: LISTED - 1], rest[LISTED - 1 :]
    names = [[writer["label"] for writer in view["sides"][side]["writers"]] for side in "QK"]
    shown = [
        {"label": f"{names[0][q]} × {names[1][k]}", "value": part, "text": "" if index else "the strongest path"}
        for index, (part, q, k) in enumerate(own)
    ]
    other = seven(sum(part for part, _, _ in rest if isinstance(part, float)))
    return [*shown, {"label": "other", "value": other, "text": f"{len(rest)} more pairs"}]


def walk_tables(view: View) -> dict[tuple[str | None, str | None], Rows]:
    """Shares of each side, the parts, their sum, the weight."""
    shares = {
        (side, None): [[writer["share"], writer["text"]] for writer in load["writers"]]
        for side, load in view["sides"].items()
    }
    score = steps(bars(view), view["score"]["remainder"])
    return shares | {
        ("parts", None): view["parts"],
        ("score", None): score,
        ("weight", None): [[view["weight"], view["stores"]]],
    }


def walk_records(view: View) -> Rows:
    """What the CSV of a walk holds behind the names of panel, row and column: number and text."""
    lines: Rows = []
    for load in view["sides"].values():
        lines += [[writer["share"], writer["text"]] for writer in load["writers"]]
        lines.append([load["remainder"], load["place"]])
    lines += [[part, ""] for row in view["parts"] for part in row]
    score = view["score"]
    return [*lines, [score["value"], ""], [score["remainder"], ""], [view["weight"], view["stores"]]]


def totals(view: View) -> Rows:
    """The last lines of the tables of a view, in order."""
    match view["schema"]:
        case "loadstore/waterfall@1":
            return [[view["total"]["value"], "", ""]]
        case "loadstore/walk@1":
            sides = [[load["remainder"], ""] for load in view["sides"].values()]
            return [*sides, [view["score"]["value"], "", ""]]
        case "loadstore/switch@1":
            return [line for inner in view["choices"][0]["views"] for line in totals(inner)]
        case _:
            return [[view["total"]["value"], ""]] if view.get("total") else []
