"""Views are what their types say, and the types of the web bundle are those of Python."""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tiny import FEW, Kind, some_tokens, tiny

from loadstore.report.page import report_document
from loadstore.views.base import Value, View, plain
from loadstore.views.charts import bars, rule
from loadstore.views.figures import Figure, Page, Section, figure
from loadstore.views.heatmaps import heatmap, panel
from loadstore.views.layers import Layers, layers_view
from loadstore.views.sums import Choice, Switch

ROOT = Path(__file__).resolve().parents[2]


def test_the_types_of_the_bundle_are_those_of_python() -> None:
    spec = importlib.util.spec_from_file_location("model_types", ROOT / "scripts" / "model_types.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, text in module.WRITTEN.items():
        assert (ROOT / "web" / "src" / name).read_text(encoding="utf-8") == text(), f"{name}: run make bundle"


def parts(value: Value) -> Iterator[Value]:
    """What a page holds, down to the views that hold no other."""
    match value:
        case Page():
            held: tuple[Value, ...] = value.sections
        case Section():
            held = value.figures
        case Figure() | Choice():
            held = value.views
        case Switch():
            held = value.choices
        case _:
            held = ()
            yield value
    for one in held:
        yield from parts(one)


@pytest.mark.parametrize("kind", [FEW[0], FEW[-1]], ids=str)
def test_every_view_of_a_report_is_what_its_type_says(kind: Kind) -> None:
    model = tiny(kind)
    page = report_document(model, some_tokens(model, batch=1)[0].tolist())
    views = list(parts(page))
    assert len({type(view) for view in views}) > 6
    for view in views:
        assert isinstance(view, View)
        assert msgspec.json.decode(json.dumps(plain(view)), type=type(view)) == view


def layers(size: int) -> Layers:
    names = [f"w{index}" for index in range(size)]
    values = np.arange(size * size, dtype=float).reshape(size, size)
    values[0, 0] = np.nan
    return layers_view("t", rows=[("L0", names)], columns=[("L1", names)], panels=[("Q", values)])


@pytest.mark.parametrize("size", [3, 142])  # cells one by one, and packed
def test_wires_are_what_their_type_says(size: int) -> None:
    view = layers(size)
    document = json.loads(json.dumps(plain(view)))
    assert msgspec.convert(document, Layers) == view
    assert ("wires" in document["panels"][0]) == (size == 142)


def test_a_field_at_its_default_is_not_in_json_and_one_without_a_default_is() -> None:
    view = heatmap("t", ("row", ["a"]), ("column", ["b"]), [panel("", [[0.5]])], scale=("sequential", 0.0, 1.0, "x"))
    document = plain(view)
    assert list(document) == [
        "schema", "title", "rows", "columns", "scale", "panels", "hatched", "outline_label", "digits",
    ]  # fmt: skip
    assert document["schema"] == "loadstore/heatmap@1"
    assert document["hatched"] is None
    assert plain(msgspec.structs.replace(view, across=3))["across"] == 3


def test_numbers_of_numpy_become_numbers_and_other_objects_are_refused() -> None:
    document = plain({"rule": rule("x", np.float64(0.5), "half"), "bars": bars("t", "l", ("a", ""), [])})
    assert json.dumps(document["rule"]) == '{"axis": "x", "value": 0.5, "label": "half"}'
    with pytest.raises(TypeError, match="a ndarray has no place in JSON"):
        plain({"values": np.zeros(2)})


def test_a_view_cannot_be_changed() -> None:
    drawn: Any = figure("1", "t", "c", [])
    with pytest.raises(AttributeError, match="immutable"):
        drawn.number = "2"
