"""Hypernyms: the kind of thing that a word names; the counterfactual has a word of another kind.

Source of the facts: the noun hierarchy of WordNet 3.0 (Princeton University, free licence): each word's first sense, or
the sense of that kind, lies below the kind's synset. All are count nouns with the article "a".
"""

from random import Random

from loadstore.circuits.recipe import Drawn, Pools, Recipe, is_token, pair
from loadstore.model.weights import Weights

TEMPLATES = (
    "A {word} is a kind of",
    "Everybody knows that a {word} is a type of",
    "In the dictionary, {word} is defined as a type of",
    "The {word} is a well-known kind of",
)
KINDS = {
    "bird": "robin sparrow pigeon hawk falcon parrot crow raven dove finch swan duck goose penguin stork heron gull",
    "fish": "trout salmon tuna cod carp herring sardine perch pike mackerel bass sole haddock flounder catfish",
    "tree": "pine maple birch cedar willow beech poplar spruce fir cypress sycamore redwood",
    "fruit": "banana pear peach plum cherry mango lemon grape melon strawberry raspberry blueberry pineapple",
    "vegetable": "carrot cabbage turnip cucumber cauliflower leek radish zucchini",
    "flower": "daisy tulip lily daffodil carnation marigold sunflower peony petunia dahlia",
    "dog": "poodle beagle terrier collie greyhound bulldog retriever spaniel dachshund rottweiler husky",
    "insect": "beetle mosquito butterfly moth wasp bee cricket grasshopper dragonfly cockroach termite",
    "instrument": "piano violin guitar flute trumpet clarinet cello harp drum saxophone trombone banjo",
    "weapon": "sword dagger pistol rifle spear cannon",
    "vehicle": "car truck bus van taxi tractor bicycle motorcycle",
    "furniture": "sofa couch table desk wardrobe bookcase",
}


def pools(weights: Weights) -> Pools:
    """Words with their kinds, for kinds of one token."""
    words = [(word, kind) for kind, names in KINDS.items() if is_token(weights, f" {kind}") for word in names.split()]
    return {"word": words}


def draw(template: str, fillers: Pools, random: Random) -> Drawn:
    """One pair of two words; two words of one kind are refused, because their targets are equal."""
    (word, kind), (other, another) = random.sample(fillers["word"], 2)
    return pair(template, {"word": word}, {"word": other}, [f" {kind}"], [f" {another}"], [word, other])


HYPERNYMY = Recipe(
    "hypernymy",
    "kind of a thing: 'A robin is a kind of' → bird; a word of another kind is named",
    "logit_difference",
    TEMPLATES,
    pools,
    draw,
)
