"""Coloured objects: the colour of a named object; the counterfactual asks for another object of the same list."""

from random import Random

from loadstore.circuits.recipe import Drawn, Pools, Recipe, is_token, pair
from loadstore.circuits.tasks.words import COLOURS, ITEMS
from loadstore.model.weights import Weights

TEMPLATES = (
    "The {object 1} is {colour 1}, the {object 2} is {colour 2} and the {object 3} is {colour 3}. So the {asked} is",
    "There is a {colour 1} {object 1}, a {colour 2} {object 2} and a {colour 3} {object 3}. "
    "What color is the {asked}? The {asked} is",
    "On the table lie a {colour 1} {object 1}, a {colour 2} {object 2} and a {colour 3} {object 3}. "
    "The color of the {asked} is",
    "The {object 1} was {colour 1}, the {object 2} was {colour 2} and the {object 3} was {colour 3}. "
    "The color of the {asked} was",
)


def pools(weights: Weights) -> Pools:
    """One-token colours that take the article "a", and objects."""
    colours = [(word,) for word in COLOURS if word != "orange" and is_token(weights, f" {word}")]
    return {"colour": colours, "object": [(word,) for word in ITEMS]}


def draw(template: str, fillers: Pools, random: Random) -> Drawn:
    """One pair: the counterfactual asks for another of the three objects."""
    colours, things = random.sample(fillers["colour"], 3), random.sample(fillers["object"], 3)
    asked, other = random.sample(range(3), 2)
    fields = {f"colour {i + 1}": colours[i][0] for i in range(3)} | {f"object {i + 1}": things[i][0] for i in range(3)}
    return pair(
        template,
        {**fields, "asked": things[asked][0]},
        {"asked": things[other][0]},
        [f" {colours[asked][0]}"],
        [f" {colours[other][0]}"],
        [word for (word,) in (*colours, *things)],
    )


COLOURED_OBJECTS = Recipe(
    "coloured_objects",
    "colour of an object: 'I bought a red pen, a blue cup and a green book. The cup is' → blue; the counterfactual "
    "prompt asks for another",
    "logit_difference",
    TEMPLATES,
    pools,
    draw,
    least=3,
)
