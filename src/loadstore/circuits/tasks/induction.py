"""Induction on random tokens: … A B … D … A → B; the counterfactual exchanges B and D before A is repeated.

The last tokens before A are repeated with it. Tokens are lower-case words with a leading space if the tokenizer has
enough of them, and otherwise all ids.
"""

import re
from random import Random

from loadstore.circuits.example import Example
from loadstore.circuits.recipe import Drawn, Pools, Recipe
from loadstore.model.weights import Weights

TEMPLATE = "random tokens, the first of them again"
WORD = re.compile(r" [a-z]{3,8}")
ONCE, AGAIN = 12, 6  # random tokens, and the number of them repeated; fewer in a small vocabulary or context
LEAST = 4  # minimum random tokens of a split
ROOM = 6  # tokens of the shortest prompt
MOST = 4000  # maximum tokens to draw from


def pools(weights: Weights) -> Pools:
    """Token ids in decimal, each with the BOS and the number of tokens that fit."""
    tokens, vocab = weights.tokens, weights.architecture.vocab
    first = "" if tokens is None or tokens.bos is None else str(tokens.bos)
    ids = [token for token in range(vocab) if str(token) != first]
    if tokens is not None:
        words = [token for token in ids if WORD.fullmatch(tokens.text(token))]
        ids = words if len(words) >= 3 * ONCE else ids
    ids = Random(0).sample(ids, min(len(ids), MOST))
    room = weights.architecture.context - len(first[:1])
    return {"token": [(str(token), first, str(room)) for token in ids] if room >= ROOM else []}


def draw(template: str, fillers: Pools, random: Random) -> Drawn:
    """One pair: the successor of A is exchanged with a later token."""
    pool = fillers["token"]
    room = int(pool[0][2])
    once = min(ONCE, len(pool), 2 * room // 3)
    again = min(AGAIN, once - 3, room - once)
    ids = [int(text) for text, *_ in random.sample(pool, once)]
    a = random.randrange(again - 1, once - 2)  # the index of A; D comes after B
    b, d = a + 1, random.randrange(a + 2, once)
    exchanged = list(ids)
    exchanged[b], exchanged[d] = ids[d], ids[b]
    repeated = ids[a - again + 1 : a + 1]
    start = [int(text) for text in pool[0][1:2] if text]
    places = [*("BOS" for _ in start), *(f"first {i + 1}" for i in range(once)), *("again" for _ in repeated)]
    for name, index in (("A", a), ("B", b), ("D", d)):
        places[len(start) + index] = name
    places[-1] = "end"
    example = Example(
        (*start, *ids, *repeated),
        (*start, *exchanged, *repeated),
        (ids[b],),
        (ids[d],),
        template=template,
        fillers=tuple(map(str, ids)),
        places=tuple(f"{name} {i}" if name == "again" else name for i, name in enumerate(places)),
    )
    return Drawn(example)


INDUCTION = Recipe(
    "induction",
    "random tokens: A B … D … A → B; B and D are exchanged",
    "logit_difference",
    (TEMPLATE,),
    pools,
    draw,
    least=LEAST,
    texts=False,
)
