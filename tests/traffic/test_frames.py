"""Second moments in turned frames are the sums over every vector, turned for every frame."""

import pytest
import torch

from loadstore.model.rotary import Rotary
from loadstore.wire_traffic.frames import STEP, Frames, second_moment

ROTATIONS = {
    "none": None,
    "all, in halves": Rotary((1.0, 0.1, 0.3, 0.01), "halves"),
    "some, adjacent": Rotary((0.7, 0.2), "adjacent"),
}


@pytest.mark.parametrize("columns", [0, 1, 9])
@pytest.mark.parametrize("name", ROTATIONS)
def test_a_second_moment_is_its_definition(name: str, columns: int) -> None:
    """Nine dimensions, so that one is left over; more frames than a tile has."""
    rotary, made = ROTATIONS[name], torch.Generator().manual_seed(0)
    frames, rows, d_head = STEP + 3, 7, 9
    x = torch.randn(2, rows, d_head, generator=made, dtype=torch.float64)
    weight = torch.rand(2, frames, rows, generator=made, dtype=torch.float64)
    weight[:, 5] = weight[:, 8:, :2] = 0
    scale = torch.rand(2, frames, columns, generator=made, dtype=torch.float64) if columns else None
    expected = torch.zeros(2, d_head, d_head, dtype=torch.float64)
    for frame in range(frames):
        seen = x if rotary is None else rotary.turn(x, -rotary.angles(frames)[frame])
        seen = seen if scale is None else seen * scale[:, frame, None]
        expected += seen.mT @ (seen * weight[:, frame, :, None])
    found = second_moment(x, weight, Frames.of(rotary, frames, x), scale)
    assert torch.allclose(found, expected, rtol=1e-12, atol=1e-12)
