"""A quick report leaves out what takes long, and says so in the page and in the command that it shows."""

from served import builtin
from tiny import KINDS, Kind, some_tokens, tiny

from loadstore.cost.machine import ORDINARY
from loadstore.cost.table import estimates, expected
from loadstore.figures.subject.stories import article_story
from loadstore.figures.weights.machine import composition
from loadstore.report.page import report_document
from loadstore.report.parts import drawn, quick_parts
from loadstore.views.figures import Page

LONG = {"What is carried", "Addressing by content"}


def listed(page: Page) -> list[str]:
    """What the page says that --quick leaves out."""
    last = page.sections[-1]
    return [str(row[0]) for figure in last.figures if figure.number == "Quick" for row in figure.views[0].rows]


def test_a_quick_report_leaves_out_traffic_cuts_and_the_dossier_and_lists_them() -> None:
    model = tiny(Kind("rotary", "rms", False, "silu"), n_layers=2).map(lambda t: t.float())
    ids = some_tokens(model, batch=1)[0].tolist()
    quick, whole = (report_document(model, ids, quick=quick) for quick in (True, False))
    missing = {part.title for part in whole.sections} - {part.title for part in quick.sections}
    assert missing >= LONG
    assert any(title.startswith("The dossier of") for title in missing)
    rows = listed(quick)
    assert len(rows) == 5
    assert all(any(row.startswith(title) for row in rows) for title in missing)
    assert "--quick leaves out 5 sections" in quick.lead
    assert "The same command without --quick draws them." in quick.lead
    assert str(quick.facts[0][1]).endswith(" --quick")
    assert listed(whole) == []
    assert "--quick" not in whole.lead + str(whole.facts[0][1])


def test_only_slow_parts_are_left_out_and_those_without_figures_are_not_listed() -> None:
    parts = [
        drawn("a", 1.0, lambda: None),
        drawn("b", 1.0, lambda: None, slow=True),
        drawn("c", 1.0, lambda: None, slow=True, about=("C", "c")),
    ]
    kept, left = quick_parts(parts, quick=True)
    assert [part.name for part in kept] == ["a"]
    assert [one.number for one in left] == ["C"]
    assert quick_parts(parts, quick=False) == (parts, [])


def test_a_quick_report_is_expected_to_take_less() -> None:
    model = tiny(KINDS[0])
    calls = {one.call: one.cost.operations for one in estimates(model)}
    assert calls["loadstore report MODEL --quick"] < calls["loadstore report MODEL"]
    assert expected(model, "report MODEL --quick", ORDINARY) < expected(model, "report", ORDINARY)


def test_composition_is_drawn_only_between_heads_that_play_their_roles() -> None:

    drawn = composition(article_story(builtin()))
    assert drawn is not None
    assert (drawn.writer, drawn.reader, drawn.side) == ("L0.H7", "L1.H4", "K")
    model = tiny(KINDS[0], n_layers=2).map(lambda t: t.float())
    assert composition(article_story(model, some_tokens(model, batch=1)[0].tolist())) is None
