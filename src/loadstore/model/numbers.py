"""The compute dtype and the device."""

import torch

from loadstore.errors import BadRequest
from loadstore.quote import quote

FORMATS = {"float32": torch.float32, "float64": torch.float64}


def as_dtype(dtype: object) -> torch.dtype | None:
    """Parse ``"float32"``, ``"float64"`` or the torch dtype. None keeps the stored dtype.

    Raises BadRequest for any other value.
    """
    name = str(dtype).removeprefix("torch.")
    if dtype is None or (isinstance(dtype, str | torch.dtype) and name in FORMATS):
        return None if dtype is None else FORMATS[name]
    raise BadRequest(
        f"dtype={quote(repr(dtype), 40)}: expected 'float32' or 'float64'; half precision is for storage only, not for "
        "computing; leave dtype out for the stored dtype, or float32 if that is narrower"
    )


def as_device(device: object) -> torch.device:
    """Parse the name of an available device. Raises BadRequest."""
    try:
        parsed = torch.device(device) if isinstance(device, str) else device
        if isinstance(parsed, torch.device) and parsed.type == "meta":
            raise BadRequest("device='meta' holds no numbers, so nothing can be computed on it; use 'cpu'")
        if isinstance(parsed, torch.device):
            torch.empty(0, device=parsed)
            return parsed
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # raised by backends that are not built in
        raise BadRequest(f"device={quote(repr(device), 40)} is not available ({quote(error, 80)}); use 'cpu'") from None
    raise BadRequest(f"device={quote(repr(device), 40)}: expected the name of a device; use 'cpu'")
