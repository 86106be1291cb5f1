"""One pair of a task before it is tokenized: two prompts, the targets of the metric, and how the pair was made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from loadstore.causal.predictions import LogitDifference, LogProbability, Prediction, ProbabilityDifference
from loadstore.causal.targets import Chosen, Token
from loadstore.errors import BadPrompt, BadRequest
from loadstore.execution.run import as_tokens
from loadstore.model.target import target_id
from loadstore.model.weights import Weights

Text: TypeAlias = str | Sequence[int]
Kind: TypeAlias = Literal["logit_difference", "probability_difference", "log_probability"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Example:
    """A pair of prompts with its targets.

    Args:
        clean: The clean prompt, a text or token ids.
        counterfactual: The counterfactual prompt, of equal token length.
        good: The tokens (ids, or texts of one token each) that the metric counts for the clean prompt.
        bad: The tokens that the metric counts against it; () for a log-probability.
        split: "find", "choose" or "judge"; "" if not drawn yet.
        template: The template of the pair; "" without one.
        fillers: The words that were filled in; no other split may use them.
        places: The name of each token's place in the template; () without names.
    """

    clean: Text
    counterfactual: Text
    good: tuple[Token, ...]
    bad: tuple[Token, ...]
    split: str = ""
    template: str = ""
    fillers: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


def ids_of(weights: Weights, text: Text) -> list[int]:
    """Token ids of one prompt; a text begins with the model's BOS. Raises BadPrompt, Undefined."""
    tokens, batched = as_tokens(weights, text)
    if batched:
        raise BadPrompt("a prompt of a pair is one text or one list of token ids; got a list of prompts")
    return tokens[0].tolist()


def check_example(weights: Weights, example: Example) -> None:
    """Raise BadPrompt, BadRequest or Undefined unless the model accepts both prompts and every target."""
    ids, others = ids_of(weights, example.clean), ids_of(weights, example.counterfactual)
    if len(ids) != len(others):
        raise BadPrompt(
            f"the clean prompt has {len(ids)} tokens, the counterfactual one {len(others)}; "
            "a pair needs equally many: change a word"
        )
    if ids == others:
        raise BadRequest("the clean and the counterfactual prompt are the same; change a token")
    good, bad = ({target_id(weights, token) for token in tokens} for tokens in (example.good, example.bad))
    if both := good & bad:
        raise BadRequest(
            f"token {min(both)} is among the good and the bad targets, so that the metric would be constant; give two"
        )


def metric_of(kind: Kind, examples: Sequence[Example]) -> Prediction:
    """The metric of several pairs after their last tokens, each with its own targets."""
    good = Chosen(tuple(example.good for example in examples), each=True)
    bad = Chosen(tuple(example.bad for example in examples), each=True)
    if kind == "log_probability":
        return LogProbability(good)
    return LogitDifference(good, bad) if kind == "logit_difference" else ProbabilityDifference(good, bad)


def kind_of(metric: Prediction) -> Kind:
    """The name of a metric. Raises BadRequest for one without targets."""
    kinds: dict[type[Prediction], Kind] = {
        LogitDifference: "logit_difference",
        ProbabilityDifference: "probability_difference",
        LogProbability: "log_probability",
    }
    if type(metric) not in kinds:
        raise BadRequest(f"the metric of a task is one of {', '.join(KINDS)}; got: {metric}")
    return kinds[type(metric)]


def targets_of(metric: Prediction) -> tuple[Chosen, Chosen | None]:
    """The targets for and against; None for a log-probability. Raises BadRequest for a metric without targets."""
    kind_of(metric)
    if isinstance(metric, LogProbability):
        return metric.token, None
    assert isinstance(metric, LogitDifference | ProbabilityDifference)
    return metric.token, metric.against
