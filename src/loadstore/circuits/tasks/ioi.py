"""Indirect object identification: the recipient of the gift, after two names of which one is repeated.

Clean "When Mary and John went to the store, John gave a drink to" → Mary; in the counterfactual Mary gives it, so the
answer changes to John. The metric is logit(IO) − logit(S) with the clean prompt's roles.
"""

from random import Random

from loadstore.circuits.recipe import Drawn, Pools, Recipe, is_token, pair
from loadstore.circuits.tasks.words import FEMALE, MALE, OBJECTS, PLACES
from loadstore.model.weights import Weights

SENTENCES = (
    "When {one} and {two} went to the {place}, {S2} gave a {object} to",
    "While {one} and {two} were working at the {place}, {S2} gave a {object} to",
    "After {one} and {two} had spent the day at the {place}, {S2} decided to give a {object} to",
    "Then {one} and {two} went to the {place} together. At the {place}, {S2} gave a {object} to",
)
TEMPLATES = tuple(
    sentence.replace("{one}", first).replace("{two}", second)
    for sentence in SENTENCES
    for first, second in (("{IO}", "{S1}"), ("{S1}", "{IO}"))
)


def pools(weights: Weights) -> Pools:
    """One-token names, places and objects."""
    names = [(name,) for name in (*MALE, *FEMALE) if is_token(weights, f" {name}")]
    return {"name": names, "place": [(word,) for word in PLACES], "object": [(word,) for word in OBJECTS]}


def draw(template: str, fillers: Pools, random: Random) -> Drawn:
    """One pair: the counterfactual exchanges the giver."""
    (io,), (subject,) = random.sample(fillers["name"], 2)
    (location,), (thing,) = random.choice(fillers["place"]), random.choice(fillers["object"])
    clean = {"IO": io, "S1": subject, "S2": subject, "place": location, "object": thing}
    return pair(template, clean, {"S2": io}, [f" {io}"], [f" {subject}"], [io, subject, location, thing])


IOI = Recipe(
    "ioi",
    "indirect object: 'When Mary and John went to the store, John gave a drink to' → Mary; the giver is exchanged",
    "logit_difference",
    TEMPLATES,
    pools,
    draw,
)
