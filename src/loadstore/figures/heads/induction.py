"""An induction head's pattern, and its three addresses."""

from dataclasses import dataclass

from loadstore.causal.engine import rerun
from loadstore.execution.edits import cut
from loadstore.execution.patterns import allowed
from loadstore.execution.trace import Trace
from loadstore.figures.left_out import CHANGE, LeftOut, shows
from loadstore.figures.subject.story import Story
from loadstore.figures.wires.pieces import OUTLINE, layer_heads, most_aligned, reads, side_panel
from loadstore.figures.words import listed, number, plural, unseen, with_error
from loadstore.heads.patterns import role_masks
from loadstore.heads.roles import bos_of
from loadstore.model.wiring import wiring
from loadstore.sites import SIDES, Head
from loadstore.views.model import Figure, View, figure, heatmap, panel, reading, remark
from loadstore.views.sums import switch

NAME = "Induction"


@dataclass(frozen=True, slots=True)
class Repeat:
    """A query whose token occurred exactly once before: the earlier occurrence and the token after it."""

    query: int
    earlier: int

    @property
    def key(self) -> int:
        """The token after the earlier occurrence, where an induction head should attend."""
        return self.earlier + 1


def repeats(story: Story) -> list[Repeat]:
    """Every repeat of the prompt whose token occurred exactly once before and not directly before, without BOS."""
    matches = role_masks(story.trace.tokens, bos_of(story.weights))["duplicate"][0]
    once = [(query, int(row.nonzero()[0])) for query, row in enumerate(matches) if int(row.sum()) == 1]
    return [Repeat(query, earlier) for query, earlier in once if earlier + 1 < query]


def best_repeat(story: Story, head: Head) -> Repeat | None:
    """The repeat that shows a head best: largest attention × probability of the token that followed."""
    pattern, probability = story.trace.pattern(head), story.trace.logits.softmax(-1)
    tokens = story.trace.tokens[0]

    def shown(repeat: Repeat) -> float:
        return float(pattern[repeat.query, repeat.key] * probability[repeat.query, tokens[repeat.key]])

    return max(_within(story, head), key=shown, default=None)


def _within(story: Story, head: Head) -> list[Repeat]:
    """The repeats whose key the head can see."""
    window = story.weights.architecture.window(head.layer)
    return [repeat for repeat in repeats(story) if window is None or repeat.query - repeat.key < window]


def induction_figures(story: Story) -> list[Figure | LeftOut]:
    """The pattern and the subspaces; empty for a model of one layer."""
    head = story.candidate
    return [] if head is None else [induction_figure(story, head), _addresses(story, head)]


def is_induction(story: Story, head: Head) -> str:
    """Whether a head counts as an induction head, with its score on random repeats."""
    score = with_error(story.role(head, "induction"), story.error(head, "induction"))
    if head in story.induction:
        return f"{head} is an induction head: {score} of its attention on random repeats goes to what followed before."
    return f"No head is an induction head; the nearest is {head} with {score} on random repeats."


def induction_figure(story: Story, head: Head) -> Figure | LeftOut:
    """The pattern of an induction head on a repeat of the prompt, and with the previous-token head cut from its K.

    Left out if the prompt has no repeat, or if the cut changes neither attention nor prediction there.
    """
    title, labels, repeat = f"The pattern of {head} on a repeat", story.trace.labels, best_repeat(story, head)
    window = story.weights.architecture.window(head.layer)
    if repeat is None:
        near = "" if window is None else ", within what this head sees"
        reason = f"No token of this prompt occurred exactly once before{near}: induction has nothing to match here."
        return LeftOut(NAME, title, reason)
    without = rerun(story.trace, [cut(str(story.previous), f"{head}.K")])
    cell = repeat.query, repeat.key
    attention = float(story.trace.pattern(head)[cell]), float(without.pattern(head)[cell])
    token = int(story.trace.tokens[0, repeat.key])
    intact, left = (float(t.logits[repeat.query].softmax(-1)[token]) for t in (story.trace, without))
    if not shows(attention, (intact, left)):
        return LeftOut(
            NAME,
            title,
            f"{head} attends from {labels[repeat.query]} to {labels[repeat.key]}, which followed "
            f"{labels[repeat.earlier]}, with weight {number(attention[0])}; cutting {story.previous} from its K "
            f"changes that and the prediction by less than {number(CHANGE)}.",
        )
    seen = allowed(len(labels), window).numpy()
    view = heatmap(
        f"Pattern of {head}",
        ("query", labels),
        ("key", labels),
        [
            panel(f"{head}", story.trace.pattern(head), seen, outlined=[cell]),
            panel(f"control: {story.previous} cut from its K", without.pattern(head), seen, outlined=[cell]),
        ],
        scale=("sequential", 0.0, 1.0, "attention"),
        hatched=unseen(window),
        outline="the token that followed the earlier occurrence",
    )
    instance = _instance(story, head, repeat, without, (intact, left))
    return figure(NAME, title, f"{is_induction(story, head)} {instance}", [view])


def _instance(story: Story, head: Head, repeat: Repeat, without: Trace, probability: tuple[float, float]) -> str:
    """The sentences on one repeat of the prompt, before and after the cut."""
    labels, cell = story.trace.labels, (repeat.query, repeat.key)
    before, after = (t.pattern(head) for t in (story.trace, without))
    logits, token = story.trace.logits[repeat.query], int(story.trace.tokens[0, repeat.key])
    rank = int((logits > logits[token]).sum()) + 1
    every = _within(story, head)
    means = [sum(float(p[r.query, r.key]) for r in every) / len(every) for p in (before, after)]
    return (
        f"Of {plural(len(every), 'unambiguous repeat')} in this prompt the clearest is {labels[repeat.query]}, which "
        f"occurred before at {labels[repeat.earlier]}: the head attends to {labels[repeat.key]} with weight "
        f"{number(float(before[cell]))}, and the model gives that token probability {number(probability[0])} (place "
        f"{rank}). With {story.previous} cut from its K the weight is {number(float(after[cell]))} and the "
        f"probability {number(probability[1])}. Mean weight over all of them: {number(means[0])} ({number(means[1])} "
        "when cut)."
    )


def _addresses(story: Story, head: Head) -> Figure:
    heads = layer_heads(story.scores, head.layer)
    writers = [str(w) for w in wiring(story.weights).writers if w.layer < head.layer]
    trained = _panels(story, "scores", writers, heads, f"Alignment with what layer {head.layer} reads")
    control = _panels(story, "reversed", writers, heads, "Control: the same writers with their coordinates reversed")
    choices = [("as trained", [trained]), ("control: writers reversed", [control])]
    views = [switch("Alignments and their control", "Writers", choices)]
    sides = "; ".join(reads(story.scores, head, side) for side in SIDES)
    claim = f"What {head} is best aligned with, of all writers that reach it: {sides}."
    others = [h for h in story.induction if h != head and h.layer == head.layer]
    same = [h for h in others if most_aligned(story.scores, h, "K") == most_aligned(story.scores, head, "K")]
    if same:
        claim += f" The K of {listed(same)} has the same best writer."
    note = reading(story.averaged.strip()) if story.averaged else None
    if story.weights.architecture.positions_bypass_norm:
        note = remark(
            "The article says that layer 1 does not see positions. Shortformer adds them to the inputs of Q and K in "
            "every layer, so pos is a real row of Q and K here, and no wire into V."
        )
    return figure("Reads", f"Three addresses: what layer {head.layer} reads on Q, K and V", claim, views, note)


def _panels(story: Story, which: str, writers: list[str], heads: list[str], title: str) -> View:
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
