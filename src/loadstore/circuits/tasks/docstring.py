"""Docstrings: the argument of a function that is documented next.

The counterfactual documents arguments shifted by one, so that the answer changes to the following one.
"""

from random import Random

from loadstore.circuits.recipe import Drawn, Pools, Recipe, is_token, pair
from loadstore.circuits.tasks.words import listed
from loadstore.model.weights import Weights

TEMPLATES = (
    'def {name}(self, {A}, {B}, {C}, {D}, {E}):\n    """{title}\n\n'
    "    :param {first}: {text 1}\n    :param {second}: {text 2}\n    :param",
    'def {name}({A}, {B}, {C}, {D}, {E}):\n    """{title}.\n\n'
    "    @param {first}: the {text 1}\n    @param {second}: the {text 2}\n    @param",
    'def {name}(self, {A}, {B}, {C}, {D}, {E}):\n    """\n    {title}\n'
    "    :param {first}: {text 1} of the call\n    :param {second}: {text 2} of the call\n    :param",
)
ARGUMENTS = listed(
    "files state size shape option project target command index value model input output path name user data text "
    "table order event result source filter group field key line node message width height length offset limit "
    "color title label mode type page request response token version address password host port session"
)
NAMES = listed("update create process apply handle build check load save merge parse render select compute prepare")
TEXTS = listed(
    "performance analysis|pattern design|main purpose|first choice|new address|local office|public opinion|"
    "social event|current level|final report|basic rule|common cause|early version|single point|total cost|"
    "formal request|direct route|normal range",
    "|",
)


def pools(weights: Weights) -> Pools:
    """One-token arguments, names of functions, and words of explanations."""
    arguments = [(word,) for word in dict.fromkeys(ARGUMENTS) if is_token(weights, f" {word}")]
    return {"argument": arguments, "name": [(word,) for word in NAMES], "text": [(text,) for text in TEXTS]}


def draw(template: str, fillers: Pools, random: Random) -> Drawn:
    """One pair: B and C are documented, or C and D."""
    words = [word for (word,) in random.sample(fillers["argument"], 5)]
    (name,), *texts = random.choice(fillers["name"]), *random.sample(fillers["text"], 2)
    fields = dict(zip("ABCDE", words, strict=True))
    fields |= {"name": name, "title": f"{name.capitalize()} it", "text 1": texts[0][0], "text 2": texts[1][0]}
    first, second, third, fourth = words[1:]
    return pair(
        template,
        {**fields, "first": first, "second": second},
        {"first": second, "second": third},
        [f" {third}"],
        [f" {fourth}"],
        [*words, name, texts[0][0], texts[1][0]],
    )


DOCSTRING = Recipe(
    "docstring",
    "next argument: a docstring documents B and C of f(A, B, C, D, E) → D; it documents C and D instead",
    "logit_difference",
    TEMPLATES,
    pools,
    draw,
    least=5,
)
