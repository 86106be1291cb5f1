"""Figures 14 and 15: an induction head's pattern, and the three addresses that make it."""

from dataclasses import dataclass

import torch

from loadstore.heads.patterns import role_masks
from loadstore.heads.roles import bos_of
from loadstore.models.attention import allowed
from loadstore.models.edits import cut
from loadstore.models.trace import run
from loadstore.models.wiring import wiring
from loadstore.report.story import Story
from loadstore.report.wires import OUTLINE, layer_heads, most_aligned, reads, side_panel
from loadstore.report.words import listed, number, plural, unseen, with_error
from loadstore.sites import SIDES, Head
from loadstore.views.model import Figure, figure, heatmap, panel, reading, remark


@dataclass(frozen=True, slots=True)
class Repeat:
    """One query whose token occurred exactly once before: where that was, and what followed."""

    query: int
    earlier: int

    @property
    def key(self) -> int:
        """The token after the earlier occurrence: where an induction head should look."""
        return self.earlier + 1


def repeats(story: Story) -> list[Repeat]:
    """Every repeat of the prompt whose token occurred exactly once before and not just before, BOS left out."""
    matches = role_masks(story.trace.tokens, bos_of(story.weights))["duplicate"][0]
    once = [(query, int(row.nonzero()[0])) for query, row in enumerate(matches) if int(row.sum()) == 1]
    return [Repeat(query, earlier) for query, earlier in once if earlier + 1 < query]


def best_repeat(story: Story, head: Head) -> Repeat | None:
    """The repeat that shows a head best: largest attention × probability of what followed."""
    pattern, probability = story.trace.pattern(head), story.trace.logits.softmax(-1)
    tokens = story.trace.tokens[0]

    def shown(repeat: Repeat) -> float:
        return float(pattern[repeat.query, repeat.key] * probability[repeat.query, tokens[repeat.key]])

    return max(_within(story, head), key=shown, default=None)


def _within(story: Story, head: Head) -> list[Repeat]:
    """The repeats whose key the head can see."""
    window = story.weights.architecture.window(head.layer)
    return [repeat for repeat in repeats(story) if window is None or repeat.query - repeat.key < window]


def induction_figures(story: Story) -> list[Figure]:
    """The pattern (14) and the subspaces (15); none for a model of one layer."""
    head = story.candidate
    return [] if head is None else [induction_figure(story, head), _addresses(story, head)]


def is_induction(story: Story, head: Head) -> str:
    """Whether a head deserves the name, with its score on random repeats."""
    score = with_error(story.role(head, "induction"), story.error(head, "induction"))
    if head in story.induction:
        return f"{head} is an induction head: {score} of its attention on random repeats goes to what followed before."
    return f"No head is an induction head; the nearest is {head} with {score} on random repeats."


def induction_figure(story: Story, head: Head) -> Figure:
    """The pattern of an induction head on the prompt, and with the previous-token head cut from its K (14)."""
    labels, repeat = story.trace.labels, best_repeat(story, head)
    edits = [cut(str(story.previous), f"{head}.K")]
    without = run(story.weights, story.prompt, edits, record=True)
    seen = allowed(len(labels), story.weights.architecture.window(head.layer)).numpy()
    outlined = [] if repeat is None else [(repeat.query, repeat.key)]
    view = heatmap(
        f"Pattern of {head}",
        ("query", labels),
        ("key", labels),
        [
            panel(f"{head}", story.trace.pattern(head), seen, outlined=outlined),
            panel(f"control: {story.previous} cut from its K", without.pattern(head), seen, outlined=outlined),
        ],
        scale=("sequential", 0.0, 1.0, "attention"),
        hatched=unseen(story.weights.architecture.window(head.layer)),
        outline="the token that followed the earlier occurrence",
    )
    return figure(
        "14",
        f"The pattern of {head}",
        f"{is_induction(story, head)} {_instance(story, head, repeat, without.pattern(head))}",
        [view],
    )


def _instance(story: Story, head: Head, repeat: Repeat | None, without: torch.Tensor) -> str:
    """What the prompt itself shows: one repeat, before and after the cut; or that it has none."""
    labels = story.trace.labels
    if repeat is None:
        near = "" if story.weights.architecture.window(head.layer) is None else ", within what this head sees"
        return f"No token of this prompt occurred exactly once before{near}: induction has nothing to match here."
    weight, cut_weight = (float(p[repeat.query, repeat.key]) for p in (story.trace.pattern(head), without))
    probability = story.trace.logits[repeat.query].softmax(-1)
    token = int(story.trace.tokens[0, repeat.key])
    place = int((probability > probability[token]).sum()) + 1
    every = _within(story, head)
    means = [sum(float(p[r.query, r.key]) for r in every) / len(every) for p in (story.trace.pattern(head), without)]
    return (
        f"Of {plural(len(every), 'unambiguous repeat')} in this prompt the clearest is {labels[repeat.query]}, which "
        f"occurred before at {labels[repeat.earlier]}: the head attends to {labels[repeat.key]} with weight "
        f"{number(weight)} ({number(cut_weight)} with {story.previous} cut from its K), and the model gives that token "
        f"probability {number(float(probability[token]))} (place {place}). Mean weight over all of them: "
        f"{number(means[0])} ({number(means[1])} when cut)."
    )


def _addresses(story: Story, head: Head) -> Figure:
    heads = layer_heads(story.scores, head.layer)
    writers = [str(w) for w in wiring(story.weights).writers if w.layer < head.layer]
    views = [
        _panels(story, "scores", writers, heads, f"Alignment with what layer {head.layer} reads"),
        _panels(story, "reversed", writers, heads, "Control: what writers write, reversed"),
    ]
    sides = "; ".join(reads(story.scores, head, side) for side in SIDES)
    claim = f"What {head} is best aligned with, of all writers that reach it: {sides}."
    others = [h for h in story.induction if h != head and h.layer == head.layer]
    same = [h for h in others if most_aligned(story.scores, h, "K") == most_aligned(story.scores, head, "K")]
    if same:
        claim += f" The K of {listed(same)} has the same best writer."
    note = reading(story.averaged.strip()) if story.averaged else None
    if story.weights.architecture.positions == "shortformer":
        note = remark(
            "The article says that layer 1 does not see positions. Shortformer adds them to the inputs of Q and K in "
            "every layer, so pos is a real row of Q and K here, and no wire into V."
        )
    return figure("15", f"Three addresses: what layer {head.layer} reads on Q, K and V", claim, views, note)


def _panels(story: Story, which: str, writers: list[str], heads: list[str], title: str) -> dict[str, object]:
    scores = story.scores if which == "scores" else story.reversed
    return heatmap(
        title,
        ("writer", writers),
        ("head", heads),
        [side_panel(scores, writers, heads, side) for side in SIDES],
        scale=("diverging", -1.0, 1.0, "alignment"),
        hatched="this wire does not exist, or its writer stores nothing",
        outline=OUTLINE,
    )
