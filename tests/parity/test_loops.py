"""The forward pass against an independent one: plain loops over heads and tokens, nothing shared with the package."""

import cmath
import math

import numpy as np
from dense import weights_of_experts
from each import each
from tiny import FEW, KINDS, MIXED, UNUSUAL, Kind, mixed, some_tokens, tiny
from torch import Tensor

from loadstore.execution.run import run
from loadstore.model.architecture import Architecture, NormKind
from loadstore.model.layers import Experts, Layer, MlpLayer, Norm
from loadstore.model.mixture import Mixture
from loadstore.model.mlp_facts import Mlp
from loadstore.model.rotary import Rotary
from loadstore.model.weights import Weights


def row(x: np.ndarray, norm: Norm | None, eps: float) -> np.ndarray:
    """LayerNorm or RMSNorm of one token."""
    if norm is None:
        return x
    mean = sum(x) / len(x) if norm.centres else 0.0
    variance = sum((value - mean) ** 2 for value in x) / len(x)
    out = (x - mean) / math.sqrt(variance + eps)
    out = out if norm.gain is None else out * norm.gain.numpy()
    return out if norm.bias is None else out + norm.bias.numpy()


def rotated(x: np.ndarray, position: int, rotary: Rotary | None) -> np.ndarray:
    """One query or key turned pair by pair, as a product with complex numbers of modulus one."""
    out = x.copy()
    if rotary is not None:
        n = len(rotary.frequencies)
        for i, frequency in enumerate(rotary.frequencies):
            one, two = (2 * i, 2 * i + 1) if rotary.pairs == "adjacent" else (i, i + n)
            z = complex(x[one], x[two]) * cmath.exp(1j * position * frequency)
            out[one], out[two] = z.real, z.imag
    return out


def affine(x: np.ndarray, matrix: Tensor, bias: Tensor | None) -> np.ndarray:
    """x W + b."""
    return x @ matrix.numpy() if bias is None else x @ matrix.numpy() + bias.numpy()


def limited(x: float, cap: float | None) -> float:
    """A score behind its soft cap."""
    return x if cap is None else cap * math.tanh(x / cap)


def head_outputs(
    layer: Layer, h: int, normed: list[np.ndarray], added: np.ndarray, shape: Architecture, index: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pattern and output of one head, token by token; ``added`` goes to the inputs of Q and K only."""
    window = None if shape.windows is None else shape.windows[index]
    rotary = shape.rotary if window is None or shape.local_rotary is None else shape.local_rotary
    rotary = None if index in shape.unturned else rotary
    queries_per_key_head = shape.n_heads // len(layer.W_K)
    kv = h // queries_per_key_head

    def side(matrix: Tensor, bias: Tensor | None, index: int, x: np.ndarray) -> np.ndarray:
        return affine(x, matrix[index], None if bias is None else bias[index])

    def sized(x: np.ndarray, name: str) -> np.ndarray:
        """What the latent of a side multiplies columns by; 1 without one."""
        latent = layer.q_latent if name == "Q" else layer.kv_latent
        if latent is None:
            return np.ones(1)
        inside = affine(x, latent.W, latent.b)
        direct = latent.direct if name == "K" else 0
        width = {"Q": layer.W_Q, "K": layer.W_K, "V": layer.W_V}[name].shape[2]
        return np.array([1.0] * direct + [1 / math.sqrt(inside @ inside / len(inside) + latent.eps)] * (width - direct))

    def of_head(matrix: Tensor, bias: Tensor | None, index: int, x: np.ndarray, norm: Norm | None) -> np.ndarray:
        """The query or key of a head after its norm, whose scale may be that of all heads."""
        if norm is None or not norm.across_heads:
            return row(side(matrix, bias, index, x), norm, shape.eps)
        whole = np.concatenate([side(matrix, bias, each, x) for each in range(len(matrix))])
        everywhere = row(whole, Norm(norm.gain.flatten(), centres=False), shape.eps)
        return everywhere.reshape(len(matrix), -1)[index]

    length = len(normed)
    pattern = np.zeros((length, length))
    outputs = []
    for i in range(length):
        q = of_head(layer.W_Q, layer.b_Q, h, normed[i] + added[i], layer.q_norm)
        q = rotated(q * sized(normed[i] + added[i], "Q"), i, rotary)
        seen = [j for j in range(i + 1) if window is None or i - j < window]
        scores = []
        for j in seen:
            k = of_head(layer.W_K, layer.b_K, kv, normed[j] + added[j], layer.k_norm)
            k = k * sized(normed[j] + added[j], "K")
            score = limited(float(q @ rotated(k, j, rotary)) * shape.attention_scale, shape.score_cap)
            scores.append(score - (0 if shape.slopes is None else shape.slopes[h] * (i - j)))
        weights = [math.exp(score - max(scores)) for score in scores]
        sink = 0.0 if layer.sinks is None else math.exp(float(layer.sinks[h]) - max(scores))
        pattern[i, seen] = np.array(weights) / (sum(weights) + sink)
        values = {j: side(layer.W_V, layer.b_V, kv, normed[j]) * sized(normed[j], "V") for j in seen}
        mixed = sum(pattern[i, j] * value for j, value in values.items())
        outputs.append(mixed @ layer.W_O[h].numpy())
    return pattern, np.array(outputs)


def units(mlp: MlpLayer, x: np.ndarray, facts: Mlp) -> np.ndarray:
    """What some units store for one token: GELU inside, or SiLU of a gate times what is inside."""
    inside = affine(x, mlp.W_in, mlp.b_in)
    if mlp.W_gate is None:
        inside = np.array([x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in inside])
    else:
        gate, c = affine(x, mlp.W_gate, mlp.b_gate), facts.clip
        if c is not None:
            gate, inside = [min(g, c) for g in gate], [min(max(x, -c), c) + 1 for x in inside]
        inside = np.array([g / (1 + math.exp(-facts.slope * g)) * x for g, x in zip(gate, inside, strict=True)])
    return affine(inside, mlp.W_out, mlp.b_out)


def experts_store(experts: Experts, x: np.ndarray, mixture: Mixture, facts: Mlp) -> np.ndarray:
    """What the experts that a token uses store, each times its weight."""
    weights = weights_of_experts(affine(x, experts.W_router, experts.b_router).tolist(), experts, mixture)
    return sum(weight * units(expert, x, facts) for weight, expert in zip(weights, experts.stored, strict=True))


def mlp_outputs(mlp: MlpLayer, stream: np.ndarray, shape: Architecture) -> np.ndarray:
    """What an MLP stores, token by token."""
    outputs = []
    for token in stream:
        x = row(token, mlp.norm, shape.eps)
        stored = units(mlp, x, shape.mlp)
        if mlp.experts is not None:
            if mlp.experts.W_shared is not None:
                stored = stored / (1 + math.exp(-float(x @ mlp.experts.W_shared[:, 0].numpy())))
            stored = stored + experts_store(mlp.experts, x, shape.experts, shape.mlp)
        outputs.append(row(stored, mlp.after, shape.eps))
    return np.array(outputs)


def loops(model: Weights, tokens: list[int]) -> tuple[np.ndarray, dict[str, np.ndarray], list[np.ndarray]]:
    """Logits, patterns by head, and the stream before each layer and after the last."""
    shape = model.architecture
    stream = np.array([model.W_E[token].numpy() * shape.embedding_scale for token in tokens])
    positions = np.zeros_like(stream) if model.W_pos is None else model.W_pos[: len(tokens)].numpy()
    added = positions if shape.positions == "shortformer" else np.zeros_like(positions)
    stream = stream if shape.positions == "shortformer" else stream + positions
    patterns, streams = {}, [stream]
    for index, layer in enumerate(model.layers):
        normed = [row(x, layer.norm, shape.eps) for x in stream]
        total = np.zeros_like(stream)
        for h in range(shape.n_heads):
            patterns[f"L{index}.H{h}"], output = head_outputs(layer, h, normed, added, shape, index)
            total += output
        total = np.array([row(x, layer.after_heads, shape.eps) for x in total])
        total = total if layer.b_O is None else total + layer.b_O.numpy()
        before, stream = stream, stream + shape.residual_scale * total
        if layer.mlp is not None:
            read = before if "parallel" in model.name else stream
            stream = stream + shape.residual_scale * mlp_outputs(layer.mlp, read, shape)
        streams.append(stream)
    logits = np.array([row(x, model.final_norm, shape.eps) @ model.W_U.numpy() for x in stream])
    logits = logits if model.b_U is None else logits + model.b_U.numpy()
    return np.array([[limited(x, shape.logit_cap) for x in row] for row in logits]), patterns, streams


def assert_parity(model: Weights, tokens: Tensor) -> None:
    trace = run(model, tokens)
    logits, patterns, streams = loops(model, tokens.tolist())
    np.testing.assert_allclose(trace.logits.numpy(), logits, atol=1e-10)
    for name, pattern in patterns.items():
        np.testing.assert_allclose(trace.pattern(name).numpy(), pattern, atol=1e-10, err_msg=name)
    for index, stream in enumerate(streams):
        np.testing.assert_allclose(trace.residual(index).numpy(), stream, atol=1e-10)


@each(("kind", "seed"), [*((kind, 0) for kind in KINDS), *((kind, 1) for kind in FEW[-2:])], str)
def test_logits_patterns_and_streams_are_those_of_plain_loops(kind: Kind, seed: int) -> None:
    model = tiny(kind, seed)
    assert_parity(model, some_tokens(model, batch=1, length=9, seed=seed)[0])


@each("kind", UNUSUAL, str)
def test_so_they_are_whatever_the_sizes(kind: Kind) -> None:
    model = tiny(kind)
    assert_parity(model, some_tokens(model, batch=1)[0])


@each(("kind", "last"), MIXED, str)
def test_a_last_norm_of_another_kind_is_applied_as_it_is(kind: Kind, last: NormKind) -> None:
    model, plain = mixed(kind, last), tiny(kind)
    tokens = some_tokens(model, batch=1)[0]
    assert_parity(model, tokens)
    assert float((run(model, tokens).logits - run(plain, tokens).logits).abs().max()) > 1e-3


@each("kind", FEW, str)
def test_a_prefix_has_the_same_logits_as_the_whole(kind: Kind) -> None:
    model = tiny(kind)
    tokens = some_tokens(model, batch=1)[0]
    whole = run(model, tokens).logits
    for length in (1, 2, 5):
        assert (run(model, tokens[:length]).logits - whole[:length]).abs().max() < 1e-10
