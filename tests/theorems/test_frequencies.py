"""Frequencies make embed what a text stores: its rows, each as often as it occurs."""

import numpy as np
import pytest
import torch
from dense import is_centred, reads
from tiny import KINDS, Kind, tiny

from loadstore.errors import BadRequest
from loadstore.model.wiring import wiring
from loadstore.scores.measures import OF_A_WIRE
from loadstore.scores.scores import subspace_scores

SOME = KINDS[::4]
VOCAB = 17


@pytest.mark.parametrize("kind", SOME, ids=str)
def test_uniform_frequencies_change_not_a_bit(kind: Kind) -> None:
    model = tiny(kind)
    plain = subspace_scores(model)
    for counts in ([3] * VOCAB, np.full(VOCAB, 0.125)):
        found = subspace_scores(model, frequencies=counts)
        for name in (*OF_A_WIRE, "q", "relative"):
            np.testing.assert_array_equal(found[name], plain[name], err_msg=name)
        assert "square roots of the frequencies" in found.attrs["definition"]
    assert "frequencies" not in plain.attrs["definition"]


@pytest.mark.parametrize("kind", SOME, ids=str)
def test_scores_are_those_of_the_rows_of_a_text(kind: Kind) -> None:
    model = tiny(kind)
    text = torch.randint(VOCAB, (50,), generator=torch.Generator().manual_seed(1)).clamp(max=9)
    counts = torch.bincount(text, minlength=VOCAB)
    found = subspace_scores(model, frequencies=counts)
    embed, network = wiring(model).writer("embed"), wiring(model)
    for reader in network.readers:
        A, B = model.W_E[text], reads(model, reader, embed)
        A = A - A.mean(1, keepdim=True) if is_centred(model, reader, embed) else A
        expected = torch.linalg.matrix_norm(A @ B) / (torch.linalg.matrix_norm(A) * torch.linalg.matrix_norm(B))
        assert found.score.sel(writer="embed", reader=str(reader)).item() == pytest.approx(float(expected), rel=1e-9)
    others = [str(writer) for writer in network.writers if writer != embed]
    plain = subspace_scores(model)
    for name in OF_A_WIRE:
        np.testing.assert_allclose(
            found[name].sel(writer=others), plain[name].sel(writer=others), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("kind", SOME, ids=str)
def test_one_token_alone_has_the_rank_one_score_of_its_row(kind: Kind) -> None:
    model = tiny(kind)
    counts = [0.0] * VOCAB
    counts[5] = 2.0
    found = subspace_scores(model, writers="embed", frequencies=counts)
    embed = wiring(model).writer("embed")
    for reader in wiring(model).readers:
        row, B = model.W_E[5], reads(model, reader, embed)
        row = row - row.mean() if is_centred(model, reader, embed) else row
        one = found.sel(writer="embed", reader=str(reader))
        expected = (row @ B).norm() / (row.norm() * torch.linalg.matrix_norm(B))
        ceiling = torch.linalg.svdvals(B)[0] / torch.linalg.matrix_norm(B)
        assert one.score.item() == pytest.approx(float(expected), rel=1e-6)
        assert one.ceiling.item() == pytest.approx(float(ceiling), rel=1e-6)


REFUSED = {
    "too few": ([1.0] * 3, r"\[3\] counts, expected \[17\]"),
    "negative": ([1.0] * 16 + [-1.0], "none negative"),
    "not finite": ([1.0] * 16 + [float("nan")], "finite"),
    "all zero": ([0.0] * 17, "not all zero"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_are_no_counts_is_refused(case: str) -> None:
    counts, why = REFUSED[case]
    with pytest.raises(BadRequest, match=why):
        subspace_scores(tiny(KINDS[0]), frequencies=counts)
