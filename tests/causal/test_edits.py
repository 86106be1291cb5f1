"""What patches, references, tokens, channels and frozen parts compute, as theorems on every kind of model."""

import pytest
import torch
from each import each
from hostile import refusal, unchecked
from tiny import FEW, HALF, UNNORMED, Kind, some_tokens, tiny
from torch import Tensor

import loadstore as ls
from loadstore.errors import BadPrompt, BadRequest, NoSuchSite, NoSuchWire
from loadstore.execution.edits import Edit, freeze, patch
from loadstore.execution.lifted import lifted
from loadstore.execution.run import run
from loadstore.execution.trace import Trace
from loadstore.model.wiring import wiring
from loadstore.sites import Writer

LAYER, RMS = Kind("learned", "layer", True, "gelu"), Kind("rotary", "rms", False, "gated", kv=2)
SOME = [LAYER, RMS, Kind("shortformer", "none", True), Kind("none", "layer", True, "gated parallel", 1, True, True)]


@pytest.fixture(params=SOME, ids=str)
def some(request: pytest.FixtureRequest) -> ls.Weights:
    return tiny(request.param)


@pytest.fixture(params=[Kind("learned", "layer", False), *HALF], ids=str)
def model(request: pytest.FixtureRequest) -> ls.Weights:
    return tiny(request.param)


def traces(model: ls.Weights, batch: int = 2) -> tuple[Trace, Trace]:
    """An intact run, and one of other prompts."""
    one, other = some_tokens(model, batch), some_tokens(model, batch, seed=1)
    return run(model, one, record=True), run(model, other, record=True)


def logits(trace: Trace, *edits: Edit) -> Tensor:
    return run(trace.weights, trace.tokens, edits).logits


def gap(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max())


def test_patching_every_writer_gives_the_other_prompts_logits(model: ls.Weights) -> None:
    here, there = traces(model)
    writers = wiring(model).writers
    assert gap(logits(here, *(patch(w, there) for w in writers)), there.logits) < 1e-9
    assert gap(logits(here, *(patch(w, there) for w in writers[1:])), there.logits) > 1e-3
    for token in (0, 4):
        edits = [patch(w, there, at=token) for w in writers]
        assert gap(run(model, here.tokens, edits).residual(3)[:, token], there.residual(3)[:, token]) < 1e-9


def test_a_patch_from_itself_changes_nothing(some: ls.Weights) -> None:
    here, _ = traces(some)
    edits = [patch("embed", here), patch("L1.H0", here, reader="L2.H1.K"), patch("L0.H1", here, channel=1)]
    assert gap(logits(here, *edits, freeze("patterns", here), freeze("norms", here)), here.logits) < 1e-12


WIRED = [(kind, "L0.H1") for kind in FEW]
WIRED += [(kind, writer) for kind in SOME[:3] for writer in ("embed", "pos", "L0.mlp", "L1.H2")]


@each(("kind", "writer"), WIRED, str)
def test_patching_each_reader_is_patching_all_where_norms_are_frozen(kind: Kind, writer: str) -> None:
    model = tiny(kind)
    network = wiring(model)
    if writer not in map(str, network.writers):
        return
    here, there = traces(model)
    readers = [r for r in network.readers if network.connects(network.writer(writer), r)]
    norms = [] if model.architecture.norm == "none" and model.layers[0].q_norm is None else [freeze("norms", here)]
    paths = logits(here, *norms, *(patch(writer, there, reader=r) for r in readers))
    assert gap(paths, logits(here, *norms, patch(writer, there))) < 1e-9
    assert writer == "pos" or gap(paths, here.logits) > 1e-4


def test_a_reference_gives_its_mean_with_the_first_position_left_out(some: ls.Weights) -> None:
    here, there = traces(some)
    mean = there.written("L0.H1")[:, 1:].mean((0, 1))
    after = run(some, here.tokens, [ls.ablate("L0.H1", over=there)])
    assert gap(after.written("L0.H1"), mean) < 1e-12
    assert gap(after.logits, logits(here, ls.ablate("L0.H1"))) > 1e-5


def test_a_cut_to_a_reference_is_a_patch_from_a_run_whose_store_is_its_mean(some: ls.Weights) -> None:
    here, there = traces(some)
    mean = run(some, here.tokens, [ls.ablate("L0.H1", over=there)])
    for reader in ("L1.H2.Q", "L2.H0.V", "unembed"):
        cut = logits(here, ls.cut("L0.H1", reader, over=there))
        assert gap(cut, logits(here, patch("L0.H1", mean, reader=reader))) < 1e-10
        assert gap(cut, logits(here, ls.cut("L0.H1", reader))) > 1e-7


def test_resampling_takes_one_prompt_of_the_reference_for_each_prompt(some: ls.Weights) -> None:
    here, there = traces(some, batch=5)
    after = run(some, here.tokens, [ls.ablate("L0.H1", by="resample", over=there)])
    choices = (after.written("L0.H1")[:, None] - there.written("L0.H1")).abs().amax((2, 3)) == 0
    assert choices.sum(1).tolist() == [1] * 5
    assert torch.equal(after.logits, logits(here, ls.ablate("L0.H1", by="resample", over=there)))
    others = [logits(here, ls.ablate("L0.H1", by="resample", over=there, seed=seed)) for seed in (1, 2)]
    assert all(gap(after.logits, other) > 0 for other in others)
    cut = logits(here, ls.cut("L0.H1", "L1.H0.Q", by="resample", over=there))
    donors = choices.int().argmax(1)
    same = run(some, there.tokens[donors])
    assert gap(cut, logits(here, patch("L0.H1", same, reader="L1.H0.Q"))) < 1e-12


@pytest.mark.parametrize("writer", ["embed", "pos", "L0.H1", "L0.bias", "L0.mlp"])
@pytest.mark.parametrize("by", ["mean", "zero", "over", "patch"])
def test_at_all_tokens_is_at_none_and_tokens_add_up_in_the_store(writer: str, by: str) -> None:
    for kind in (LAYER, SOME[2]):
        model = tiny(kind)
        if writer not in map(str, wiring(model).writers):
            continue
        here, there = traces(model)

        def edit(at: object, there: Trace = there) -> Edit:
            options = {} if at is None else {"at": at}
            if by == "patch":
                return patch(writer, there, **options)
            return ls.ablate(
                writer, by="zero" if by == "zero" else "mean", over=there if by == "over" else None, **options
            )

        whole = run(model, here.tokens, [edit(None)])
        assert gap(logits(here, edit(range(9))), whole.logits) < 1e-12
        assert gap(logits(here, edit(range(4)), edit([4, -4, -3, -2, -1])), whole.logits) < 1e-12
        part = run(model, here.tokens, [edit(-2)]).written(writer)
        assert gap(part[:, 7], whole.written(writer)[:, 7]) < 1e-12
        rest = [0, 1, 2, 3, 4, 5, 6, 8]
        assert gap(part[:, rest], here.written(writer)[:, rest]) == 0


@each("kind", SOME, str)
def test_the_channels_of_a_head_add_up_to_all_that_it_stores(kind: Kind) -> None:
    model = tiny(kind)
    here, there = traces(model)
    parts = [lifted(model, Writer("head", 0, 1), [channel], None) for channel in range(1, 5)]
    assert gap(torch.stack(parts).sum(0), torch.eye(4)) < 1e-9
    assert gap(parts[0] @ parts[0], parts[0]) < 1e-9
    assert gap(parts[0] @ parts[1], torch.zeros(4, 4)) < 1e-9
    for of in (lambda **to: ls.ablate("L0.H1", by="zero", **to), lambda **to: patch("L0.H1", there, **to)):
        whole = logits(here, of())
        assert gap(logits(here, of(channel=range(1, 5))), whole) < 1e-9
        assert gap(logits(here, *(of(channel=channel) for channel in range(1, 5))), whole) < 1e-9
        assert gap(logits(here, of(channel=1)), whole) > 1e-5
    wire = [logits(here, *(ls.cut("L0.H1", "L1.H0.V", channel=c) for c in some)) for some in ((1, 2, 3, 4), (2,))]
    assert gap(wire[0], logits(here, ls.cut("L0.H1", "L1.H0.V"))) < 1e-9
    assert gap(wire[1], wire[0]) > 1e-7


def test_a_channel_that_is_taken_leaves_nothing_along_its_direction() -> None:
    for kind in SOME:
        model = tiny(kind)
        here, _ = traces(model)
        network = wiring(model)
        from loadstore.scores.channels import split_writer

        directions = split_writer(model, network.writer("L0.H1"), [network.reader("L1.H0.V")], "fold").directions
        left = run(model, here.tokens, [ls.ablate("L0.H1", by="zero", channel=2)]).written("L0.H1")
        seen = left - left.mean(-1, keepdim=True) if "layer" in kind else left
        before = here.written("L0.H1") - (here.written("L0.H1").mean(-1, keepdim=True) if "layer" in kind else 0)
        along, was = seen @ directions.mT, before @ directions.mT
        assert float(along[..., 1].abs().max()) < 1e-10
        assert gap(along[..., [0, 2, 3]], was[..., [0, 2, 3]]) < 1e-10


@each("kind", [kind for kind in UNNORMED if not kind.mlp and not kind.qk_norm], str)
def test_with_frozen_patterns_an_ablation_is_linear(kind: Kind) -> None:
    model = tiny(kind)
    here, _ = traces(model)
    store, stream = here.written("L0.H1"), torch.zeros_like(here.residual(0))
    change = -store
    for index in (1, 2):
        layer, moved = model.layers[index], torch.zeros_like(stream)
        for head in range(3):
            kv = model.architecture.kv(head)
            moved += here.pattern(f"L{index}.H{head}") @ change @ layer.W_V[kv] @ layer.W_O[head]
        change = change + moved
    expected = here.logits + change @ model.W_U
    frozen = [freeze("patterns", here), ls.ablate("L0.H1", by="zero")]
    assert gap(logits(here, *frozen), expected) < 1e-10
    assert gap(logits(here, frozen[1]), expected) > 1e-4
    some = run(model, here.tokens, [freeze("patterns", here, heads=["L1.*"]), frozen[1]], record=True)
    assert gap(some.pattern("L1.H2"), here.pattern("L1.H2")) == 0
    assert gap(some.pattern("L2.H2"), here.pattern("L2.H2")) > 1e-6


def test_frozen_norms_are_those_of_the_other_run(some: ls.Weights) -> None:
    here, there = traces(some)
    found = run(some, here.tokens, [freeze("norms", there), ls.ablate("embed")], record=True)
    for step, other in zip(found.record.layers, there.record.layers, strict=True):
        for name in ("inverse_scale", "q_scale", "k_scale", "mlp_inverse_scale"):
            one, two = getattr(step, name), getattr(other, name)
            assert (one is None and two is None) or torch.equal(one, two)
    one = run(some, there.tokens[:1])
    assert gap(logits(here, freeze("norms", one), patch("embed", one))[:1], logits_of_one(here, one)) < 1e-12


def logits_of_one(here: Trace, other: Trace) -> Tensor:
    return run(here.weights, here.tokens[:1], [freeze("norms", other), patch("embed", other)]).logits


def test_an_edited_run_can_be_replayed_and_edited_traces_can_be_sources(some: ls.Weights) -> None:
    here, there = traces(some)
    edits = [patch("L0.H1", there), ls.ablate("embed", at=3), patch("embed", there, reader="L1.H0.K", at=2)]
    later, at_once = run(some, here.tokens, edits), run(some, here.tokens, edits, record=True)
    assert gap(later.written("L2.H1"), at_once.written("L2.H1")) < 1e-12
    assert gap(later.logits, at_once.logits) < 1e-9
    assert gap(run(some, here.tokens, [patch("L0.H1", later)]).written("L0.H1"), there.written("L0.H1")) < 1e-12


def test_what_contradicts_itself_is_refused() -> None:
    model = tiny(LAYER)
    here, there = traces(model)
    mean = ls.ablate("L0.H1")
    refused = "different things in the same place"
    refusal(lambda: logits(here, mean, patch("L0.H1", there)), BadRequest, refused, "ablate L0.H1", "patch L0.H1")
    refusal(lambda: logits(here, mean, ls.ablate("L0.H1", over=there)), BadRequest, refused)
    refusal(lambda: logits(here, patch("L0.H1", there), patch("L0.H1", here, at=3)), BadRequest, refused, "at 3")
    wires = [ls.cut("L0.H1", "L1.H0.K"), patch("L0.H1", there, reader="L1.H0.K", at=-1)]
    refusal(lambda: logits(here, *wires), BadRequest, "cut L0.H1 → L1.H0.K by mean", "patch L0.H1 → L1.H0.K at -1")
    norms = [freeze("norms", here), freeze("norms", there)]
    refusal(lambda: logits(here, *norms), BadRequest, "freeze norms")
    patterns = [freeze("patterns", here), freeze("patterns", there, heads="L1.*")]
    refusal(lambda: logits(here, *patterns), BadRequest, "freeze patterns of L1.*")
    logits(here, patch("L0.H1", there, at=1), ls.ablate("L0.H1", at=2), ls.cut("L0.H1", "L1.H0.K"))
    logits(here, freeze("patterns", here, heads="L0.*"), freeze("patterns", there, heads=["L1.*", "L2.H0"]))


def test_sources_that_do_not_fit_are_refused() -> None:
    model = tiny(LAYER)
    here, there = traces(model)
    short = run(model, there.tokens[:, :5])
    refusal(lambda: logits(here, patch("embed", short)), BadPrompt, "5 tokens, this prompt 9", "equal length")
    refusal(lambda: logits(here, freeze("norms", short)), BadPrompt, "equal length")
    resample = ls.ablate("embed", by="resample", over=short)
    refusal(lambda: logits(here, resample), BadPrompt, "equal length")
    logits(here, ls.ablate("embed", over=short))
    single = run(model, there.tokens[:, :1])
    refusal(lambda: logits(here, ls.ablate("embed", over=single)), BadRequest, "reference is empty")
    refusal(lambda: run(model, torch.zeros(0, 5, dtype=torch.int64)), BadPrompt, "empty")
    three = run(model, some_tokens(model, 3))
    refusal(lambda: logits(here, patch("embed", three)), BadPrompt, "3 prompts, not 2")
    other = run(tiny(LAYER, seed=1), there.tokens)
    refusal(lambda: logits(here, patch("embed", other)), BadRequest, "another model")
    with unchecked():
        refusal(lambda: logits(here, patch("embed", [1, 2])), BadRequest, "run(model, prompts)")  # pyright: ignore[reportArgumentType]


def test_words_and_numbers_that_are_none_are_refused() -> None:
    model = tiny(LAYER)
    here, there = traces(model)
    refusal(lambda: ls.ablate("embed", by="resample"), BadRequest, "over=")
    refusal(lambda: ls.ablate("embed", by="zero", over=there), BadRequest, "over=")
    refusal(lambda: ls.ablate("embed", channel=1), BadRequest, "embed is not a head")
    refusal(lambda: ls.ablate("L0.H1", channel=0), BadRequest, "from 1")
    refusal(lambda: ls.ablate("L0.H1", channel=range(0)), BadRequest, "from 1")
    refusal(lambda: ls.ablate("L0.H1", at=[]), BadRequest, "at=[]")
    refusal(lambda: logits(here, patch("L0.H1", there, channel=5)), BadRequest, "channels 1 to 4; got 5")
    refusal(lambda: logits(here, patch("L0.H1", there, at=9)), BadRequest, "no token 9", "0 to 8")
    refusal(lambda: logits(here, patch("L0.H9", there)), NoSuchSite, "L0.H9")
    refusal(lambda: logits(here, patch("L1.H1", there, reader="L0.H0.K")), NoSuchWire, "stores after")
    refusal(lambda: logits(here, freeze("patterns", here, heads="L9.*")), NoSuchSite, "nothing matches")
    refusal(lambda: freeze("norms", here, heads="L1.*"), BadRequest, "for patterns")
    with unchecked():
        refusal(lambda: freeze("values", here), BadRequest, "'patterns' or 'norms'")  # pyright: ignore[reportArgumentType]
        refusal(lambda: ls.ablate("L0.H1", at=1.2), BadRequest, "at=1.2", "expected a whole number")  # pyright: ignore[reportArgumentType]
