"""A program for the sample page: steps that link to each other, marks of every kind, and hostile text."""

from typing import Any

from browser.sample_tokens import HOSTILE

from loadstore.views.base import plain
from loadstore.views.program import line, program


def sample_program() -> dict[str, Any]:
    """Two steps, the first of which reads the second."""
    return plain(
        program(
            "the program of ␣on",
            [
                line("", "target", "␣sat·10", [("␣on   logit +7.9   p .62", None)]),
                line("unembed", "LOAD", "␣sat·10", [("L1.H4 .71", 0), ("embed .12", None), (HOSTILE, None)]),
                line(
                    "L1.H4", "LOAD.Q", "␣sat·10", [("embed .71", None)], "cut embed: ␣on −3.0 estimated", "estimated", 0
                ),
                line("", "LOAD.K", "␣on·4", [("L0.H7 .88", 1)], "cut L0.H7: p .62 → .01 ✔ verified", "verified", 0),
                line("", "ADDR", "␣sat·10", [("␣on·4 .71", None), ("+11", None)], step=0),
                line("", "STORE", "␣sat·10", [("␣on +6.1", None)], HOSTILE, "failed", 0),
                line("L0.H7", "LOAD.V", "␣sat·3", [("embed .94", None)], "beyond its controls", "beyond", 1),
            ],
        )
    )
