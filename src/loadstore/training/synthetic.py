"""A text of made-up words in no order: all that a model can learn on its random repeats is to look back."""

import itertools

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from loadstore.errors import BadRequest
from loadstore.training.corpus import BOS, Corpus

SYLLABLES = tuple(map("".join, itertools.product("bdfgklmnprstvz", "aeiou")))
LENGTH = 1 << 20  # so many that the sequence itself is not worth learning by heart


def made_up_words(vocab: int, seed: int = 0) -> Corpus:
    """``vocab`` − 1 words of two syllables and BOS, each its own token, and uniformly random sequences of them.

    Raises BadRequest for more words than there are.
    """
    words = [first + second for first, second in itertools.product(SYLLABLES, SYLLABLES)]
    if not 2 <= vocab <= len(words) + 1:
        raise BadRequest(f"vocab {vocab}: expected 2 to {len(words) + 1}, one made-up word each and BOS")
    random = np.random.default_rng(seed)
    chosen = [BOS, *random.permutation(words)[: vocab - 1].tolist()]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(chosen)}))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.WordPiece()
    train, held_out = (random.integers(1, vocab, LENGTH, dtype=np.uint16) for _ in range(2))
    return Corpus(tokenizer, train, held_out, documents=0, characters=0)
