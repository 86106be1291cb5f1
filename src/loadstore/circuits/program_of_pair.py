"""Writes a circuit's program for one pair: the attribution of every wire shown, with the token's place."""

from jaxtyping import Float
from torch import Tensor

from loadstore.circuits.at_tokens import attributions_at_tokens
from loadstore.circuits.circuit import Circuit
from loadstore.circuits.context import contexts
from loadstore.circuits.digests import check_model
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.program import norms_of, roles_of
from loadstore.circuits.program_text import MOST, program_of
from loadstore.errors import BadRequest
from loadstore.tokenizer.tokens import labels
from loadstore.visible import line

POINTS = 5


def program_of_pair(circuit: Circuit, pairs: Pairs, index: int, most: int = MOST) -> str:
    """Write the loads of a circuit's program with their values for one pair.

    Args:
        circuit: The circuit.
        pairs: Pairs of a task.
        index: The index of the pair, from 0.
        most: The maximum number of lines, at least 3.

    Returns:
        The text. A value is the signed attribution in this pair, summed over the wires of a group, in units of the
        metric, by 5 points of the path of masks. After ``@`` comes the place of the token where most of it is loaded.

    Raises:
        BadRequest: There is no such pair, or ``most`` is less than three.
        NotThisModel: The pairs are of another model.
    """
    if not 0 <= index < len(pairs):
        raise BadRequest(f"index={index}: there are pairs 0 to {len(pairs) - 1}")
    if most < 3:
        raise BadRequest(f"most={most}: expected at least three lines: a title, a load and a summary")
    check_model(circuit.model, circuit.model_digest, pairs.model)
    (context,) = contexts(pairs.rows([index]), norms=norms_of(circuit))
    shown = program_of(circuit.wires, circuit.attributions, roles_of(pairs.model), most)
    at_tokens = attributions_at_tokens(context, POINTS)[0]
    live, places = context.live, places_of(context.pairs)

    def values(wires: tuple[int, ...]) -> Float[Tensor, " token"]:
        rows = [live.place_of_writer[circuit.wires[wire][0]] for wire in wires]
        columns = [live.place_of_reader[circuit.wires[wire][1]] for wire in wires]
        return at_tokens[rows, columns].sum(0)

    width = max((len(load.name) for load in shown.loads), default=0)
    none, every = float(context.none), float(context.all)
    lines = [line(f"pair {index} of {circuit.task}: m(none) {none:+.2f}, m(all) {every:+.2f}; values in units of m")]
    for load in shown.loads:
        whole = values(load.wires)
        parts = [(part.name, values(part.wires)) for part in load.parts]
        texts = [f"{name} {_signed(each)}@{places[int(each.abs().argmax())]}" for name, each in parts]
        lines.append(line(f"load {load.name:<{width}} {_signed(whole)}  from {', '.join(texts)}"))
    total = float(values(shown.wires).sum()) if shown.wires else 0.0
    lines.append(f"shown: {len(shown.wires):,} of {len(circuit):,} wires, {total:+.2f} of {every - none:+.2f}")
    return "\n".join(lines)


def places_of(pairs: Pairs) -> tuple[str, ...]:
    """The names of one pair's token places: those of its template, or else its tokens with their indices."""
    ids: list[int] = pairs.clean[0, : pairs.ends[0] + 1].tolist()
    return pairs.places[0] or tuple(labels(ids, pairs.model.tokens))


def _signed(values: Tensor) -> str:
    """The sum with its sign."""
    text = f"{float(values.sum()):+.3f}"
    return "+0.000" if text == "-0.000" else text
