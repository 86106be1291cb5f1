"""One prompt of a batch of prompts, as a run."""

from dataclasses import replace

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
        replay=lambda: trace.record.rows(rows),
    )
