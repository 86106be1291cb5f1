"""A task: pairs of prompts with a metric, in three splits without common prompts or fillers (docs/tasks.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from loadstore.causal.predictions import Metric, Prediction
from loadstore.circuits.example import Example, Kind, Text, ids_of, metric_of, targets_of
from loadstore.circuits.pairs import Pairs, paired
from loadstore.circuits.splits import SPLITS, check_splits, drawn
from loadstore.errors import BadRequest
from loadstore.model.weights import Weights
from loadstore.quote import quote


@dataclass(frozen=True, eq=False, repr=False)
class Task:
    """Pairs of a clean and a counterfactual prompt with a metric, divided into find, choose and judge.

    Args:
        model: The model that the prompts are for.
        clean: The clean prompts: texts, to which the model's BOS is prepended, or token ids, used unchanged.
        counterfactual: One counterfactual prompt for each clean prompt, of equal token length.
        metric: ``ls.logit_difference(goods, bads)``, ``ls.metrics.probability_difference(goods, bads)`` or
            ``ls.metrics.log_probability(goods)``, with one target (or one list of targets) for each pair, or
            one for all.
        name: The name of the task.
        seed: The seed for drawing splits if ``splits`` is empty.
        splits: "find", "choose" or "judge" for each pair; () draws them: 3/8, 1/8 and 1/2 of the pairs.
        templates: The template of each pair; () without templates.
        fillers: The words of each pair that no other split may use; () without any.
        places: The names of each pair's token places; () without names.

    Raises:
        BadPrompt: A prompt is empty, or the prompts of a pair differ in length.
        BadRequest: The metric is constant or has targets for another number of pairs, prompts are equal, or splits
            share a prompt or a filler.
        Undefined: The prompts are texts, and the model has no tokenizer.

    Example:
        >>> model = ls.load("builtin")
        >>> clean = [f"the cat {verb} on. the cat {verb}" for verb in ("sat", "lay", "was", "went")]
        >>> other = [f"the dog came on. the cat {verb}" for verb in ("sat", "lay", "was", "went")]
        >>> task = ls.Task(model, clean, other, ls.logit_difference([" on"] * 4, [" in"] * 4))
        >>> len(task.find) + len(task.choose) + len(task.judge)
        4
    """

    model: Weights
    clean: Sequence[Text]
    counterfactual: Sequence[Text]
    metric: Metric
    name: str = "own"
    seed: int = 0
    splits: Sequence[str] = ()
    templates: Sequence[str] = ()
    fillers: Sequence[Sequence[str]] = ()
    places: Sequence[Sequence[str]] = ()

    def __post_init__(self) -> None:
        """Validate the fields, and draw the splits if none are given."""
        self._check_kinds()
        for field in ("clean", "counterfactual", "fillers", "places"):
            kept = (tuple(value) if isinstance(value, list) else value for value in getattr(self, field))
            object.__setattr__(self, field, tuple(kept))
        object.__setattr__(self, "splits", tuple(self.splits))
        object.__setattr__(self, "templates", tuple(self.templates))
        pairs = self._pairs
        self._check_targets(pairs)
        if same := [i for i, (original, other) in enumerate(zip(*self._ids, strict=True)) if original == other]:
            raise BadRequest(f"pair {same[0]}: the clean and the counterfactual prompt are the same; change a token")
        for i, (names, end) in enumerate(zip(pairs.places, pairs.ends, strict=True)):
            if names and len(names) != end + 1:
                raise BadRequest(f"pair {i} has {end + 1} tokens and names for {len(names)} places; give one for each")
        if not self.splits:
            object.__setattr__(self, "splits", drawn(self.examples, self.seed))
        check_splits(self.examples)

    @cached_property
    def find(self) -> Pairs:
        """The pairs for finding a circuit."""
        return self._split("find")

    @cached_property
    def choose(self) -> Pairs:
        """The pairs for choosing its size and the method."""
        return self._split("choose")

    @cached_property
    def judge(self) -> Pairs:
        """The pairs for judging the circuit."""
        return self._split("judge")

    @property
    def metric_of_pairs(self) -> Prediction:
        """The metric, for the prediction after each prompt."""
        assert isinstance(self.metric, Prediction)
        return self.metric

    @property
    def examples(self) -> tuple[Example, ...]:
        """The pairs as given, each with its targets, split, template, fillers and places."""
        count = len(self.clean)
        token, against = targets_of(self.metric_of_pairs)
        good = token.sets if token.each else token.sets * count
        bad = ((),) * count if against is None else against.sets if against.each else against.sets * count
        return tuple(
            Example(
                *(self.clean[i], self.counterfactual[i], good[i], bad[i]),
                split=self.splits[i] if self.splits else "",
                template=self.templates[i] if self.templates else "",
                fillers=tuple(self.fillers[i]) if self.fillers else (),
                places=tuple(self.places[i]) if self.places else (),
            )
            for i in range(count)
        )

    def __str__(self) -> str:
        sizes = ", ".join(f"{len(self._split(split))} to {split}" for split in SPLITS)
        """The name, the model, the number of pairs of each split, and the metric."""
        return f"{self.name} for {self.model.name}: {sizes}; {self.metric}"

    def __repr__(self) -> str:
        """The same in one line."""
        return f"Task({self})"

    @cached_property
    def _ids(self) -> tuple[list[list[int]], list[list[int]]]:
        """The token ids of the clean and of the counterfactual prompts."""
        clean, other = ([ids_of(self.model, text) for text in texts] for texts in (self.clean, self.counterfactual))
        return clean, other

    @cached_property
    def _pairs(self) -> Pairs:
        """All pairs, whatever their split."""
        return paired(self.model, *self._ids, self.metric_of_pairs, self.templates, self.places)

    def _split(self, name: str) -> Pairs:
        return self._pairs.rows([index for index, split in enumerate(self.splits) if split == name])

    def _check_kinds(self) -> None:
        """Refuse values of the wrong type before computing with them."""
        if not isinstance(self.model, Weights):  # pyright: ignore[reportUnnecessaryIsInstance] a caller may err
            raise BadRequest("Task(model=…): expected a model, ls.load(…)")
        for field in ("clean", "counterfactual", "splits", "templates", "fillers", "places"):
            value = getattr(self, field)
            if not isinstance(value, list | tuple):
                raise BadRequest(f"Task({field}=…): expected a list with one entry for each pair")
            if field != "counterfactual" and value and len(value) != len(self.clean):
                raise BadRequest(
                    f"Task({field}=…): expected {len(self.clean)} entries, one for each pair; got {len(value)}"
                )
        for field in ("fillers", "places"):
            if not all(isinstance(value, list | tuple) for value in getattr(self, field)):
                raise BadRequest(f"Task({field}=…): expected a list of words for each pair")
        words = [*self.splits, *self.templates, *(word for listed in (*self.fillers, *self.places) for word in listed)]
        texts: list[object] = [self.name, *words]
        if not all(isinstance(text, str) for text in texts):
            raise BadRequest("Task(…): name, splits, templates, fillers and places are texts")
        if not isinstance(self.seed, int) or isinstance(self.seed, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise BadRequest(f"Task(seed={quote(repr(self.seed), 40)}): expected a whole number")
        if not isinstance(self.metric, Prediction):
            raise BadRequest(
                f"Task(metric={quote(repr(self.metric), 40)}): expected ls.logit_difference(goods, bads) or the like"
            )

    def _check_targets(self, pairs: Pairs) -> None:
        """Refuse targets for another number of pairs, targets that are not tokens, and a constant metric."""
        token, against = targets_of(pairs.metric)
        for chosen in (token, against):
            if chosen is not None and chosen.each and len(chosen.sets) != len(pairs):
                raise BadRequest(
                    f"the metric has targets for {len(chosen.sets)} pairs, and there are {len(pairs)}; give one each"
                )
        if against is not None:
            ids = zip(token.ids(self.model, len(pairs)), against.ids(self.model, len(pairs)), strict=True)
            for i, (good, bad) in enumerate(ids):
                if both := set(good) & set(bad):
                    raise BadRequest(
                        f"pair {i}: token {min(both)} is among the good and the bad targets, so that the metric would "
                        "be constant; give two tokens"
                    )
        else:
            token.ids(self.model, len(pairs))


def task_of(weights: Weights, name: str, metric: Kind, examples: Sequence[Example], seed: int) -> Task:
    """The task of some examples. Raises as ``Task`` does."""
    return Task(
        weights,
        [example.clean for example in examples],
        [example.counterfactual for example in examples],
        metric_of(metric, examples),
        name,
        seed,
        [example.split for example in examples] if any(example.split for example in examples) else (),
        [example.template for example in examples],
        [example.fillers for example in examples],
        [example.places for example in examples],
    )
