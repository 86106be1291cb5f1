"""The text of each step of the guided walk: at most 40 words, from the step's numbers."""

from typing import Any

from loadstore.decomposition.short import short, signed
from loadstore.evidence.circuit import Circuit
from loadstore.explorer.ambiguity import TOP, Ambiguity
from loadstore.explorer.circuit import Example, mostly
from loadstore.explorer.prompt import text_of
from loadstore.explorer.steps import tail
from loadstore.figures.words import listed, plural

WORDS = 40  # maximum per step


def expected(asked: Example, numbers: dict[str, Any]) -> str:
    """The prediction, and its earlier occurrence."""
    trace, token = asked.trace, text_of(asked.trace, numbers["token"])
    likely = "most likely next" if numbers["rank"] == 0 else f"prediction number {numbers['rank'] + 1}"
    return (
        f"After “{tail(trace, asked.at)}”, {token} is {likely}: probability {short(numbers['probability'])}. "
        f"{trace.labels[asked.key - 1]} occurred before, and {trace.labels[asked.key]} followed it. Which heads "
        "remember that?"
    )


def looked(asked: Example, numbers: dict[str, Any]) -> str:
    """The key that the strongest induction head attends to."""
    labels = asked.trace.labels
    return (
        f"{asked.star} looks back from {labels[asked.at]} and puts {short(asked.weight)} of its attention on "
        f"{labels[asked.key]}, the token that followed last time. Even attention would put {short(numbers['even'])} "
        "there."
    )


def noted(asked: Example, circuit: Circuit, numbers: dict[str, Any]) -> str:
    """The store that guided its attention."""
    labels, previous = asked.trace.labels, circuit.previous
    how = "finds its token by this store" if mostly(numbers["share"]) else "does not find its token by this store alone"
    return (
        f"{previous} looks one token back: at {labels[asked.key]} it loaded {labels[asked.key - 1]} (attention "
        f"{short(numbers['previous'])}) and stored it there. {asked.star} {how}, whose share "
        f"of the K side's choice is {short(numbers['share'])}."
    )


def carried(asked: Example, circuit: Circuit, numbers: dict[str, Any]) -> str:
    """The load of the V side, and its value for the logit."""
    labels, token = asked.trace.labels, text_of(asked.trace, int(asked.trace.tokens[0, asked.key]))
    count = len(circuit.heads)
    heads = f"{asked.star} moves" if count == 1 else f"{count} induction heads move"
    return (
        f"Through V the head loads what is stored at {labels[asked.key]} and stores it at {labels[asked.at]}. {heads} "
        f"the logit of {token} by {signed(numbers['together'])}; it is {signed(numbers['logit'])} in all."
    )


def fallen(asked: Example, circuit: Circuit, numbers: dict[str, Any]) -> str:
    """The prediction without the K wires, and whether the change exceeds that of controls."""
    star = str(asked.star)
    moves = (
        f"Cut what {circuit.previous} stored from K: attention on {asked.trace.labels[asked.key]} "
        f"{short(asked.weight)} → {short(numbers['attention'][star])}, probability {short(numbers['before'])} → "
        f"{short(numbers['after'])}."
    )
    if not numbers["controls"]:
        return f"{moves} There are no controls, so this proves nothing."
    left = plural(len(numbers["controls"]), "control")
    if numbers["collapses"]:
        return f"{moves} Both fall further than any of {left} moves them. The address collapses."
    return f"{moves} Beside {left} this does not count as a collapse."


def divided(choice: Ambiguity | None) -> str:
    """The attention of a head to the different successors of a repeated token."""
    if choice is None:
        return "This model is too small for a prompt that repeats one token several times."
    trace = choice.trace
    best = sorted(zip(choice.followers, choice.weights, strict=True), key=lambda each: -each[1])[:3]
    places = listed([f"{trace.labels[token]} {short(weight)}" for token, weight in best])
    if not choice.shown:
        return (
            f"Another prompt: {trace.labels[-1]} was followed by different tokens. {choice.head} looks at {places}. "
            "Here the division is not clear."
        )
    return (
        f"Another prompt: {trace.labels[-1]} was followed by {len(choice.answers)} different tokens. {choice.head} "
        f"divides its attention: {places}. {choice.predicted} of the answers are among the {TOP} likeliest predictions."
    )
