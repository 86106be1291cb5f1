"""Live decoders that no family is for: recognised by structure and equal to the model itself, or refused with a piece.

A family is taken out of the table here, models of kinds that were never in it are tried, and random changes of a
forward pass must be refused or computed equally, also on tokens and at lengths that verification did not use.
"""

import copy
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from depth import deep
from each import each
from hostile import refusal
from mutated_blocks import mutant, results
from reference_models import SHAPES, Shape, exact, llama_like, outputs, reference
from torch import Tensor, nn

from loadstore.checkpoints.families.table import FAMILIES
from loadstore.checkpoints.library import load
from loadstore.checkpoints.structure.blocks import Block, Reads, block_of, names_of_blocks
from loadstore.checkpoints.structure.build import built
from loadstore.checkpoints.structure.differs import PIECE, off
from loadstore.checkpoints.structure.entry import Entry, entry_of
from loadstore.checkpoints.structure.exits import Exit, exit_of
from loadstore.checkpoints.structure.heads import HeadNorm, Heads, Subject, heads_of
from loadstore.checkpoints.structure.hints import Hints
from loadstore.checkpoints.structure.linears import Linear
from loadstore.checkpoints.structure.norms import NormForm, norm_of
from loadstore.checkpoints.structure.passes import Call, Pass, copied, passed
from loadstore.checkpoints.structure.recognise import ByStructure
from loadstore.checkpoints.structure.splits import Split
from loadstore.checkpoints.structure.turns import arranged, rotaries
from loadstore.checkpoints.structure.units import units_of
from loadstore.errors import BadPrompt, NotThisModel
from loadstore.execution.patterns import causal_softmax
from loadstore.execution.run import run
from loadstore.model.rotary import Rotary
from loadstore.model.weights import Weights

FRESH = (4, 11, 21, 31, 47)  # lengths that verification does not use
CLOSE = 1e-5  # what equal models differ by, where both round to float32
BY_NAME = {shape.name: shape for shape in SHAPES}
RECOGNISED = (
    "llama3-one-key-head-tied",
    "mistral-window",
    "qwen2-some-windows",
    "qwen3-tied-bias",
    "gemma-untied",
    "gemma2-in-turn",
    "gemma3-listed",
    "phi3-window-partial",
    "phi-groups-of-two-quarter",
    "olmo-tied-biases",
    "olmo2-one-key-head-tied",
    "gptneo-in-turn",
    "stablelm-parallel-biases",
    "starcoder2-window-no-biases",
    "opt-untied-gelu",
    "gpt2-tied",
    "granite-all-multipliers",
    "neox-sequential-full",
    "cohere-normed",
    "smollm3-listed-biases",
    "bloom-three-heads-untied",
    "mpt-three-heads-untied",
)
REFUSED = (
    ("mixtral-two-of-four", "layer 0, MLP"),
    ("oss-all-full", "layer 0, attention"),
    ("deepseek3-no-experts-tied", "layer 0, attention"),
)
UNLISTED = (
    Shape("cohere2", "cohere2", llama_like(4, 4, 2, 32, 48, sliding_window=6)),
    Shape("glm4", "glm4", llama_like(2, 4, 2, 32, 48, head_dim=8, pad_token_id=None)),
    Shape("seed_oss", "seed_oss", llama_like(2, 4, 2, 32, 48, head_dim=12)),
    Shape("exaone4", "exaone4", llama_like(2, 4, 2, 32, 48)),
    Shape("gemma2 with weak caps", "vaultgemma", llama_like(2, 4, 2, 32, 48, head_dim=8)),
)


def found(model: Any, **how: Any) -> Weights:
    """The weights of a live model, with the one warning that there must be."""
    with pytest.warns(ByStructure) as said:
        ours = load(model, **how)
    assert len(said) == 1
    return ours


def apart(ours: Weights, model: Any, seed: int = 7) -> float:
    """The largest difference of logits and patterns on fresh tokens, relative to the largest."""
    generator, worst = torch.Generator().manual_seed(seed), 0.0
    model = copy.deepcopy(model).eval()
    model.config._attn_implementation = "eager"
    most = ours.architecture.context
    for length in (*(fresh for fresh in FRESH if fresh <= most), most):
        tokens = torch.randint(ours.architecture.vocab, (5, length), generator=generator)
        logits, patterns, _ = outputs(model, tokens)
        trace = run(ours, tokens, record=True)
        worst = max(worst, float((trace.logits - logits).abs().max() / logits.abs().max()))
        for head in ours.architecture.heads:
            worst = max(worst, float((trace.pattern(head) - patterns[head.layer][:, head.index]).abs().max()))
    return worst


@pytest.fixture
def unlisted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table without families."""
    for kind in list(FAMILIES):
        monkeypatch.delitem(FAMILIES, kind)


@each("name", deep(RECOGNISED, usual=RECOGNISED[::3]))
def test_a_family_without_its_entry_is_recognised(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shape, theirs = BY_NAME[name], reference(BY_NAME[name]).float()
    family = load(theirs)
    monkeypatch.delitem(FAMILIES, shape.kind)
    ours = found(theirs)
    assert apart(ours, theirs) < CLOSE
    assert ours.compared is not None
    assert ours.compared.difference < CLOSE
    tokens = torch.arange(20)[None]
    expected = run(family, tokens).logits
    assert float((run(ours, tokens).logits - expected).abs().max()) < CLOSE * float(expected.abs().max())


@each("name, piece", REFUSED)
def test_a_family_with_other_mechanisms_is_refused_by_its_piece(
    name: str, piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(FAMILIES, BY_NAME[name].kind)
    theirs = reference(BY_NAME[name])
    refusal(lambda: load(theirs), NotThisModel, f"no family for model_type '{BY_NAME[name].kind}'", piece)


def test_slopes_that_were_never_published_are_refused(unlisted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = reference(BY_NAME["bloom-three-heads-untied"]).float()
    assert apart(found(theirs), theirs) < CLOSE
    home: Any = sys.modules[type(theirs).__module__]
    slopes = home._get_alibi_slopes
    monkeypatch.setattr(home, "_get_alibi_slopes", lambda *args: slopes(*args) * 1.001)
    refusal(lambda: load(theirs), NotThisModel, "layer 0, attention", "ALiBi or none")


@each("shape", UNLISTED)
def test_a_kind_that_has_no_family_is_recognised(shape: Shape) -> None:
    assert shape.kind not in FAMILIES
    theirs = reference(shape)
    ours = found(theirs)
    assert apart(ours, theirs) < CLOSE
    assert ours.name == type(theirs).__name__
    assert ours.architecture.score_cap == theirs.config.to_dict().get("attn_logit_softcapping")


def test_an_activation_that_is_not_computed_is_named() -> None:
    theirs = reference(Shape("apertus", "apertus", llama_like(2, 4, 2, 32, 48)))
    refusal(
        lambda: load(theirs),
        NotThisModel,
        "ApertusForCausalLM",
        "'apertus'",
        "layer 0, MLP",
        "an activation among gelu",
    )


@each("name", ["qwen3-tied-bias", "gemma2-in-turn", "gpt2-tied"])
def test_a_model_that_computes_in_double_precision_is_verified_in_it(name: str, unlisted: None) -> None:
    theirs = reference(BY_NAME[name])
    with exact(theirs):
        ours = found(theirs)
    assert ours.compared is not None
    assert ours.compared.tolerance < 1e-12
    assert ours.compared.difference < 1e-13


def test_half_precision_stays_as_it_is_stored(unlisted: None) -> None:
    theirs = reference(BY_NAME["llama-groups-of-two"]).to(torch.bfloat16)
    ours = found(theirs)
    assert {tensor.dtype for _, tensor in ours.named()} == {torch.bfloat16}
    held = {tensor.untyped_storage().data_ptr() for tensor in theirs.state_dict().values()}
    assert {tensor.untyped_storage().data_ptr() for _, tensor in ours.named()} <= held
    assert apart(ours, theirs.float()) < CLOSE


def test_nothing_of_the_live_model_changes(unlisted: None) -> None:
    theirs = reference(BY_NAME["gemma2-in-turn"]).train()
    theirs.config._attn_implementation = "sdpa"
    theirs.lm_head.weight.grad = torch.ones_like(theirs.lm_head.weight)
    before = {name: tensor.clone() for name, tensor in theirs.state_dict().items()}
    state = torch.random.get_rng_state()
    refusal(lambda: load(theirs), NotThisModel, "`sdpa` attention does not support `softcap`")
    theirs.config._attn_implementation = "eager"
    found(theirs)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(module.training for module in theirs.modules())
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in theirs.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in theirs.state_dict().items())
    assert bool((theirs.lm_head.weight.grad == 1).all())


def test_a_prompt_beyond_the_verified_length_is_refused(unlisted: None) -> None:
    theirs = reference(Shape("long", "llama", llama_like(1, 2, 2, 16, 20, max_position_embeddings=4096)))
    with pytest.warns(ByStructure, match="in prompts of up to 512 tokens; longer ones are refused"):
        ours = load(theirs)
    assert run(ours, [1] * 512).logits.shape == (512, 101)
    refusal(
        lambda: run(ours, [1] * 513), BadPrompt, "at most 512, the length that was verified against the live model."
    )
    theirs = reference(BY_NAME["gpt2-tied"])
    assert found(theirs).architecture.context == 40


def test_options_that_do_not_fit_are_refused(unlisted: None) -> None:
    theirs = reference(BY_NAME["gpt2-tied"])
    refusal(lambda: load(theirs, positions="rotary"), NotThisModel, "says learned positions")
    with pytest.warns(ByStructure):
        pass_ = load(theirs, positions="learned", check=True)
    assert pass_.compared is not None
    assert pass_.compared.against.startswith("transformers")


def test_patterns_of_another_attention_than_the_models_own_are_refused(
    unlisted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = reference(BY_NAME["llama-groups-of-two"]).float()
    theirs.config._attn_implementation = "sdpa"
    assert apart(found(theirs), theirs) < CLOSE
    home = sys.modules[type(theirs).__module__]
    eager: Any = home.eager_attention_forward

    def sharper(*args: Any, scaling: float, **more: Any) -> Any:
        return eager(*args, scaling=2 * scaling, **more)

    monkeypatch.setattr(home, "eager_attention_forward", sharper)
    refusal(lambda: load(theirs), NotThisModel, "logits, as it computes attention, of 64 tokens")


def _second(model: Any) -> Any:
    return model.model.layers[1]


def _scaled(x: Tensor) -> Tensor:
    return x * 1.5


PIECES: tuple[tuple[str, Callable[[Any], nn.Module]], ...] = (
    ("embedding (model.embed_tokens)", lambda model: model.model.embed_tokens),
    ("layer 1, attention", lambda model: _second(model).self_attn.q_proj),
    ("layer 1, sum", lambda model: _second(model).self_attn),
    ("layer 1, sum", lambda model: _second(model).mlp),
    ("layer 1, sum", lambda model: _second(model)),
    ("layer 1, MLP", lambda model: _second(model).mlp.up_proj),
    ("layer 1, MLP", lambda model: _second(model).mlp.act_fn),
    ("layer 1, norm", lambda model: _second(model).input_layernorm),
    ("last norm", lambda model: model.model.norm),
    ("unembedding", lambda model: model.lm_head),
)


@each("piece, place", PIECES)
def test_the_first_layer_and_piece_that_differ_are_named(
    piece: str, place: Callable[[Any], nn.Module], unlisted: None
) -> None:
    theirs = reference(BY_NAME["llama-groups-of-two"])
    results(place(theirs), lambda x: x + x.abs().sqrt())
    refusal(lambda: load(theirs), NotThisModel, "the live model LlamaForCausalLM", piece, "expected", "found")


@each("seed", range(deep(200, usual=12)))
def test_a_changed_block_is_refused_or_equal(seed: int, unlisted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = mutant(seed * deep(1, usual=16), monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ByStructure)
        try:
            ours = load(changed.model)
        except NotThisModel:
            return
    assert apart(ours, changed.model) < 5 * CLOSE, changed.what


EPS = float(torch.finfo(torch.float64).eps)


class Mixer(nn.Module):
    """Two heads of width 2 that store into a stream of 4, and submodules to call beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(4, 4, dtype=torch.float64) for _ in range(4))
        self.odd, self.two, self.held = nn.Tanh(), nn.Bilinear(4, 4, 4), nn.LSTM(4, 4, dtype=torch.float64)
        self.scaled = nn.RMSNorm(2, eps=1e-5, elementwise_affine=False)
        self.across = nn.RMSNorm(4, eps=1e-5, dtype=torch.float64)
        self.rows, self.places = (nn.Embedding(5, 4, dtype=torch.float64) for _ in range(2))
        self.out = nn.Linear(4, 5, dtype=torch.float64)


with torch.random.fork_rng():
    torch.manual_seed(0)
    MIXER = Mixer()
    X, OTHER = torch.randn(2, 1, 6, 4, dtype=torch.float64)
SUBJECT = Subject(MIXER, Hints(()), EPS)
TOKENS = torch.arange(6)[None] % 5


def linear(name: str, x: Tensor = X) -> Linear:
    """A call of a linear map."""
    return Linear(name, True, x, MIXER.get_submodule(name)(x).detach())


def mixed(change: Callable[[Tensor], Tensor] = lambda x: x) -> tuple[list[Linear], Tensor]:
    """The linear maps of the heads, whose queries and keys are changed, and the pattern."""
    inputs = [linear(name) for name in "qkv"]
    q, k, v = (part.result.unflatten(-1, (2, 2)).transpose(1, 2) for part in inputs)
    pattern = causal_softmax(change(q) @ change(k).mT * 2**-0.5, None)
    return [*inputs, linear("o", (pattern @ v).transpose(1, 2).flatten(-2))], pattern


def heads(linears: list[Linear], pattern: Tensor, calls: tuple[Call, ...] = (), like: Heads | None = None) -> Heads:
    return heads_of(SUBJECT, "layer 3, attention", linears, calls, pattern, like)


def test_heads_are_found_by_hand_and_their_first_difference_is_named() -> None:
    linears, pattern = mixed()
    plain = heads(linears, pattern)
    assert (plain.split, plain.scores.scale, plain.norms) == (Split(2, 2, 2, (0, 1, 2)), 2**-0.5, ())
    *inputs, out = linears
    apart_ = [*inputs[:2], linear("v", OTHER), out]
    refusal(lambda: heads(apart_, pattern), NotThisModel, "layer 3, attention", "found v with an input of its own")
    refusal(lambda: heads([inputs[0], out], pattern), NotThisModel, "to 2 heads of 2 and their keys", "widths [4]")
    first = replace(plain, split=Split(2, 1, 2))
    refusal(lambda: heads(linears, pattern, like=first), NotThisModel, "as in the first layer, found others")
    stored = [*inputs, linear("o", OTHER)]
    refusal(lambda: heads(stored, pattern), NotThisModel, "values of the projections, mixed by the patterns")
    queries = inputs[0].result.unflatten(-1, (2, 2))
    odd = (Call("odd", queries, queries.tanh(), False),)
    refusal(lambda: heads(linears, pattern, odd), NotThisModel, "odd: expected a LayerNorm or an RMSNorm of queries")


def test_a_norm_without_a_gain_may_read_queries_after_they_turned() -> None:
    linears, pattern = mixed(MIXER.scaled)
    turned = linears[0].result.unflatten(-1, (2, 2)).flip(-1)
    normed = heads(linears, pattern, (Call("scaled", turned, MIXER.scaled(turned), False),))
    assert [(norm.name, norm.centres, 1e-5 in norm.eps) for norm in normed.norms] == [("scaled", False, True)] * 2
    assert normed.scores.difference < PIECE * EPS


@each("name, result", [("two", X), ("held", X)])
def test_a_submodule_of_two_inputs_or_two_results_is_no_norm(name: str, result: Tensor) -> None:
    assert norm_of(MIXER, Call(name, OTHER, result, False), Hints(()), EPS) is None


def test_what_a_layer_reads_and_stores_is_the_stream_or_a_norm_of_it() -> None:
    reads = Reads(SUBJECT, [Call("odd", X, X.tanh(), False)], 3)
    assert reads.before("attention", X, X) is None
    assert reads.either(OTHER, X, OTHER) == (None, True)
    refusal(lambda: reads.before("attention", OTHER, X), NotThisModel, "layer 3, attention", "found another input")
    refusal(lambda: reads.either(OTHER, X, X), NotThisModel, "layer 3, MLP", "the stream or a norm of it as input")
    out = replace(linear("o"), result=X)
    refusal(lambda: reads.after("MLP", out), NotThisModel, "layer 3, MLP (odd)", "a norm of what is stored, or none")


def test_blocks_follow_each_other_and_may_be_without_an_mlp() -> None:
    model, (linears, pattern) = nn.Module(), mixed()
    model.layers = nn.ModuleList([nn.Module(), nn.Module()])
    for layer in model.layers:
        layer.heads = MIXER
    last = X + linears[-1].result
    calls = [Call(f"layers.0.heads.{each.name}", each.given, each.result, False) for each in linears]
    calls += [Call("layers.0.heads", X, linears[-1].result, True), Call("layers.0", X, last, True)]
    second = [Call("layers.1.heads", last, last, True), Call("layers.1", last, last, True)]
    seen = Pass(TOKENS, X, (pattern, pattern), (*calls, *second))
    names = names_of_blocks(model, seen)
    assert names == ("layers.0", "layers.1")
    block = block_of(Subject(model, Hints(()), EPS), seen, 0, names[0])
    assert (block.units, block.norms, block.residual, block.stores) == (None, (), 1.0, ("layers.0.heads.o",))
    other = replace(seen, calls=(*calls, second[0], Call("layers.1", X, last, True)))
    refusal(lambda: names_of_blocks(model, other), NotThisModel, "layer 1: expected the stream that layer 0 returns")


def test_logits_are_a_multiple_of_the_unembedding_of_the_last_stream() -> None:
    out = linear("out")
    calls = [Call("out", X, out.result, False)]
    seen = Pass(TOKENS, 3 * out.result, (), ())
    leaves = exit_of(SUBJECT, seen, X, calls)
    assert (leaves.norm, leaves.scale, leaves.cap) == (None, pytest.approx(3), None)
    bent = replace(seen, logits=out.result.tanh())
    refusal(lambda: exit_of(SUBJECT, bent, X, calls), NotThisModel, "unembedding (out)", "scaled or softly capped")
    refusal(lambda: exit_of(SUBJECT, seen, OTHER, calls), NotThisModel, "last norm: expected the last stream or a norm")


def test_pieces_that_are_not_there_are_named() -> None:
    seen = Pass(TOKENS, X, (), (Call("out", X, X, False),) * 2)
    refusal(lambda: seen.only("out"), NotThisModel, "out: expected one call in a pass, found 2 calls")
    refusal(lambda: entry_of(SUBJECT, seen, X, []), NotThisModel, "embedding: expected a row of 4 numbers")
    units = [linear("q"), linear("out", OTHER)]
    refusal(lambda: units_of("layer 3, MLP", [linear("out"), units[0]], EPS), NotThisModel, "widths [5] and 4 of out")
    assert off(torch.inf) == "numbers that are not finite or of another shape"


class Says(nn.Module):
    """A model that returns what it is given here."""

    def __init__(self, **said: object) -> None:
        super().__init__()
        self.said = said

    def forward(self, tokens: Tensor, **_: object) -> SimpleNamespace:
        return SimpleNamespace(**self.said)


def test_a_model_is_copied_and_returns_logits_and_patterns() -> None:
    refusal(lambda: copied(Says(lock=Lock())), NotThisModel, "the model: expected a module that can be copied")
    refusal(lambda: passed(Says(logits=X[0]), TOKENS), NotThisModel, "finite logits for every token")
    refusal(lambda: passed(Says(logits=X), TOKENS), NotThisModel, "patterns with output_attentions=True")
    short = Says(logits=X, attentions=[X[:, None]])
    refusal(lambda: passed(short, TOKENS), NotThisModel, "layer 0, attention: expected a pattern for every head")
    assert passed(short, TOKENS, patterns=False).patterns == ()


def test_a_table_of_sines_turns_by_the_usual_frequencies_and_kinds_follow_windows() -> None:
    model = nn.Module()
    model.register_buffer("table", torch.zeros(9, 4))
    none, *turns = rotaries(model, 4)
    assert none is None
    assert [turn.frequencies for turn in turns[::2]] == [pytest.approx((1.0, 0.01)), pytest.approx((-1.0, -0.01))]
    assert [turn.pairs for turn in turns] == ["halves", "adjacent"] * 2
    one, two, three, _ = turns
    assert arranged([one, two], [None, None], 64) == (one, two, (), [None, 64])
    refusal(lambda: arranged([one, two, three], [None] * 3, 64), NotThisModel, "3 kinds of rotary positions")
    refusal(lambda: arranged([one, two, one], [None, 3, 3], 64), NotThisModel, "differ between layers with a window")


def test_weights_are_built_of_pieces_that_fit_together() -> None:
    linears, pattern = mixed()
    plain = heads(linears, pattern)
    block, entry = Block(plain, None, None, 1.0, ("o",)), Entry("rows", 1.0, None, None)
    leaves = Exit(None, linear("out"), 3.0, None)

    def of(*blocks: Block, entry: Entry = entry, leaves: Exit = leaves) -> Weights:
        return built(MIXER, entry, list(blocks), leaves, [None] * len(blocks), 6)

    ours = of(block)
    assert (ours.architecture.positions, ours.architecture.mlp, ours.architecture.eps) == ("none", None, 1e-5)
    assert torch.equal(ours.W_U, 3 * MIXER.out.weight.mT)
    stream = MIXER.rows.weight.detach()[TOKENS]
    q, k, v = (MIXER.get_submodule(name)(stream).unflatten(-1, (2, 2)).transpose(1, 2) for name in "qkv")
    mix = (causal_softmax(q @ k.mT * 2**-0.5, None) @ v).transpose(1, 2).flatten(-2)
    torch.testing.assert_close(run(ours, TOKENS).logits, 3 * MIXER.out(stream + MIXER.o(mix)).detach())
    across = HeadNorm(NormForm("across", False, "weight", eps=(1e-5,)), True)
    norm = of(replace(block, heads=replace(plain, q_norm=across))).layers[0].q_norm
    assert norm.across_heads
    assert torch.equal(norm.gain, torch.ones(2, 2))
    refusal(lambda: of(block, replace(block, residual=0.5)), NotThisModel, "layer 1, multiplier", "as in layer 0: 1.0")
    after = NormForm("across", False, "weight", eps=(1e-5,))
    refusal(lambda: of(replace(block, after_heads=after)), NotThisModel, "layer 0: a bias b_O before a norm")
    turning = replace(plain, scores=replace(plain.scores, rotary=Rotary((1.0,))))
    learned = replace(entry, positions="places")
    refusal(lambda: of(replace(block, heads=turning), entry=learned), NotThisModel, "found rotary and learned")
    six = Exit(None, replace(linear("out"), result=torch.zeros(1, 6, 6)), 1.0, None)
    refusal(lambda: of(block, leaves=six), NotThisModel, "as many logits as the embedding has rows, 5, found 6")
