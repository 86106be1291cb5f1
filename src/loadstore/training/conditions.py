"""What the last bit of a training step depends on besides recipe, text and number format."""

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from loadstore.errors import BadRequest

CPUINFO = Path("/proc/cpuinfo")


def conditions() -> dict[str, str | int]:
    """The torch build, the processor with the instructions that torch uses on it, and the number of threads.

    Sums are taken in another order by another number of threads, by other instructions and by other kernels.
    """
    return {
        "torch": str(torch.__version__),
        "processor": f"{_processor()}, {torch.backends.cpu.get_cpu_capability()}",
        "threads": torch.get_num_threads(),
    }


def set_threads(wanted: int, saved: dict[str, Any] | None, tell: Callable[[str], None]) -> None:
    """Take the threads of a saved run, else ``wanted`` (0: torch's own choice), and tell what differs from before.

    Raises BadRequest when ``wanted`` is not the number that the run has.
    """
    if saved is None:
        # Said even when nothing changes: it also stops the matrix library from choosing fewer threads by itself.
        torch.set_num_threads(wanted or torch.get_num_threads())
        return
    before = int(saved["threads"])
    if wanted not in (0, before):
        raise BadRequest(
            f"this run was started with {_threads(before)}, and {wanted} would change its last bits; leave out "
            "--threads, or train in another folder"
        )
    if not wanted and torch.get_num_threads() != before:
        tell(f"continuing with {_threads(before)}, as the run was started: another number would change its last bits")
    torch.set_num_threads(before)
    now = conditions()
    for what in ("torch", "processor"):
        if now[what] != saved[what]:
            tell(
                f"the run was saved with {what} {saved[what]}, here it is {now[what]}: it goes on, "
                "but its last bits may differ from an undisturbed run's"
            )


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _processor() -> str:
    """The processor's model where the system gives it, else its architecture."""
    if CPUINFO.exists():
        for line in CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
