"""Patterns in blocks of queries are those in one, whatever takes part in a score; nothing behind a query is seen."""

import pytest
import torch
from each import each
from tiny import OTHER_HALF, Kind, some_tokens, tiny

import loadstore as ls


@each("kind", OTHER_HALF, str)
def test_blocks_of_queries_change_nothing(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny(kind)
    tokens = some_tokens(model)  # of nine tokens
    whole = ls.run(model, tokens, record=True)
    monkeypatch.setattr("loadstore.execution.patterns.BLOCK", 4)
    blocks = ls.run(model, tokens, record=True)
    torch.testing.assert_close(blocks.logits, whole.logits, rtol=1e-12, atol=1e-12)
    for one, other in zip(blocks.record.layers, whole.record.layers, strict=True):
        torch.testing.assert_close(one.pattern, other.pattern, rtol=1e-12, atol=1e-12)
        assert not one.pattern.triu(1).any()
        torch.testing.assert_close(one.z, other.z, rtol=1e-12, atol=1e-12)
