"""The memory map as a table in the format of /proc/PID/maps: one line per region."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from loadstore.decomposition.short import short

HEADS = ("region", "rank", "power", "share", "overwritten by", "loaded by", "direction")


def table(attrs: Mapping[str, Any], regions: Sequence[Mapping[str, Any]]) -> str:
    """Return the lines, with a heading that summarises the measurement."""
    rows = [_row(region) for region in regions]
    widths = [max(len(row[column]) for row in (HEADS, *rows)) for column in range(len(HEADS) - 1)]
    lines = [_line(row, widths) for row in (HEADS, *rows)]
    return "\n".join([heading(attrs), *lines])


def heading(attrs: Mapping[str, Any]) -> str:
    """The measurement, and the number of pairs compared."""
    return (
        f"{attrs['model']}: memory map on {attrs['documents']} documents ({attrs['tokens']:,} tokens) of "
        f"{attrs['corpus']}\nregions hold {attrs['share_of_variance']:.0%} of what each writer stores; overlaps beyond "
        f"chance at 1 % over {attrs['pairs']:,} pairs (Bonferroni)"
    )


def overwriting(region: Mapping[str, Any]) -> str:
    """``L1.H4 .32 (chance .08), 5 in all``."""
    others = region["overwritten_by"]
    if not others:
        return "nobody"
    named = ", ".join(f"{each['writer']} {short(each['overlap'])}" for each in others)
    return f"{named} (chance {short(others[0]['chance'])}; {region['overwriters']} in all)"


def loads(region: Mapping[str, Any]) -> str:
    """``L1.H4.K .41 L1.H10.K .38``."""
    return " ".join(f"{each['reader']} {short(each['load'])}" for each in region["readers"]) or "nobody"


def direction(region: Mapping[str, Any]) -> str:
    """The strongest direction, as tokens."""
    if not region["directions"]:
        return ""
    first = region["directions"][0]
    return f"{first['way']} + {' '.join(first['plus'])}  − {' '.join(first['minus'])}"


def _row(region: Mapping[str, Any]) -> tuple[str, ...]:
    power, share = ("–" if math.isnan(region[name]) else short(region[name]) for name in ("power", "share"))
    return (
        region["writer"],
        str(region["rank"]),
        power,
        share,
        overwriting(region),
        loads(region),
        direction(region),
    )


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    numeric = (1, 2, 3)
    parts = [
        row[column].rjust(width) if column in numeric else row[column].ljust(width)
        for column, width in enumerate(widths)
    ]
    return "  ".join([*parts, row[-1]]).rstrip()
