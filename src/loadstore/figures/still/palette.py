"""The two colour scales in nine steps, for light and dark pages, as in ``palette.ts`` of the web source.

Test: ``palette.test.ts`` among the tests of the web source.
"""

SIZE = {
    "light": ("#eaf5f7", "#badfe7", "#89c8d8", "#4fb2c8", "#1398b7", "#1d7aa5", "#215c93", "#213f80", "#1f206d"),
    "dark": ("#19212c", "#1e394c", "#1f526d", "#196d90", "#1189b2", "#45a5bc", "#6bc2c5", "#8fdecd", "#b3fbd3"),
}
SIGNED = {
    "light": ("#5f35b1", "#8566cb", "#af92e3", "#d1c2eb", "#f4f2f0", "#efc39d", "#e19449", "#b6692c", "#8d400c"),
    "dark": ("#c8a8fc", "#977bd4", "#6a4fad", "#423866", "#1e2026", "#56392b", "#925227", "#c27a3b", "#f4a653"),
}
STEPS = len(SIZE["light"])


def step(at: float) -> int:
    """The step of a position from 0 to 1; positions beyond the ends are clamped."""
    return round(min(1.0, max(0.0, at)) * (STEPS - 1))


def rules(ground: str) -> str:
    """The style rules of one page: ``z0`` to ``z8`` for unsigned values, ``d0`` to ``d8`` for signed ones."""
    named = [("z", SIZE[ground]), ("d", SIGNED[ground])]
    return "".join(
        f".still .{letter}{index}{{fill:{colour}}}" for letter, colours in named for index, colour in enumerate(colours)
    )
