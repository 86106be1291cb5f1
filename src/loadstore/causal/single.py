"""Some prompts of a recorded run, as a run."""

from dataclasses import fields, replace
from typing import Any

from torch import Tensor

from loadstore.execution.attention import LayerRecord
from loadstore.execution.forward import Record
from loadstore.execution.trace import Trace


def one_prompt(trace: Trace, place: int) -> Trace:
    """One prompt of a batch; what it stored is what it stored in the batch, means of the batch included."""
    if not trace.batched:
        return trace
    rows = slice(place, place + 1)
    return replace(
        trace,
        tokens=trace.tokens[rows],
        batched=False,
        all_logits=trace.all_logits[rows],
        recorded=some_rows(trace.record, rows),
    )


def some_rows(record: Record, rows: slice) -> Record:
    """The same record of some rows of the batch."""

    def cut(value: Tensor | None) -> Tensor | None:
        return value if value is None or value.dim() == 2 else value[rows]

    layers = [layer_rows(layer, rows) for layer in record.layers]
    return Record(cut(record.embed), cut(record.pos), layers, cut(record.final), cut(record.final_inverse_scale))


def layer_rows(layer: LayerRecord, rows: slice) -> LayerRecord:
    """What one layer did in some rows of the batch."""
    values: dict[str, Any] = {each.name: getattr(layer, each.name) for each in fields(layer)}
    return replace(layer, **{name: value[rows] for name, value in values.items() if value is not None})
