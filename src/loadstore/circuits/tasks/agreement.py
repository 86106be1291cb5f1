"""Subject–verb agreement across a phrase between them; the counterfactual has the subject in the other number."""

from random import Random

from loadstore.circuits.recipe import Drawn, Pools, Recipe, is_token, pair
from loadstore.circuits.tasks.words import listed
from loadstore.model.weights import Weights

TEMPLATES = (
    "The {subject} near the {place}",
    "The {subject} behind the {place}",
    "As everyone could see, the {subject} next to the {place}",
    "She said that the {subject} from the {place}",
)
SUBJECTS = listed(
    "key book student teacher dog cat car boy girl doctor lawyer chair table picture horse bird letter bottle house "
    "ship plane truck king actor writer artist worker farmer guest player soldier singer tree flower window door "
    "computer phone camera game friend driver author manager nurse visitor tourist neighbor building machine"
)
PLACES = listed(
    "cabinet garden school station river hospital market park library office museum church beach farm hotel bank "
    "airport bridge theater castle kitchen wall fence tower mountain road shop lake"
)
PLURAL, SINGULAR = (" are", " were"), (" is", " was")


def pools(weights: Weights) -> Pools:
    """One-token subjects in both numbers, and places."""
    if not is_token(weights, *PLURAL, *SINGULAR):
        return {"subject": [], "place": []}
    subjects = [(word, f"{word}s") for word in SUBJECTS if is_token(weights, f" {word}", f" {word}s")]
    return {"subject": subjects, "place": [(word,) for word in PLACES]}


def draw(template: str, fillers: Pools, random: Random) -> Drawn:
    """One pair, clean plural or clean singular."""
    subject, (location,) = random.choice(fillers["subject"]), random.choice(fillers["place"])
    way = random.choice((1, -1))
    (clean, other), (bad, good) = subject[::way], (PLURAL, SINGULAR)[::way]
    return pair(template, {"subject": clean, "place": location}, {"subject": other}, good, bad, [subject[0], location])


AGREEMENT = Recipe(
    "agreement",
    "number of a verb: 'The keys near the cabinet' → are, were, not is, was; the subject changes its number",
    "logit_difference",
    TEMPLATES,
    pools,
    draw,
)
