"""The figure of one wire's channels: labels, small tails, and how many of them are shown."""

import pytest
import xarray as xr
from tiny import Kind, tiny

from loadstore.figures.wires.wire_channels import _label, wire_channels_figure
from loadstore.model.wiring import wiring


def test_a_channel_of_several_directions_says_how_many() -> None:
    assert [_label(3, dimension) for dimension in (1, 2)] == ["3", "3, 2 directions"]


@pytest.mark.parametrize(("total", "shown", "counted"), [(2, 1, False), (2, 2, False), (3, 2, True), (3, 3, False)])
def test_the_claim_counts_the_channels_that_are_shown(total: int, shown: int, *, counted: bool) -> None:
    numbers = {name: ("channel", [0.4, 0.3, 0.2][:shown]) for name in ("carried", "alignment", "z", "strength")}
    own = xr.Dataset(
        numbers | {"dimension": ("channel", [1] * shown)}, coords={"channel": range(shown)}, attrs={"total": total}
    )
    wire = {"alignment": 0.1, "score": 0.2, "chance": 0.3, "z": 1.0, "p": 0.5}
    writer, reader = wiring(tiny(Kind("learned", "none", False))).wire("L0.H0", "L1.H1.V")
    claim = wire_channels_figure(writer, reader, own, wire, []).claim
    assert (f"the {shown} that carry most" in claim) == counted
