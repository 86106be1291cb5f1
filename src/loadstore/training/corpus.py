"""Text as token ids: split by document, byte-level BPE, one array to train on and one held out."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from loadstore.errors import BadRequest
from loadstore.quote import quote
from loadstore.tokenizer.tokens import Tokens
from loadstore.training.documents import KINDS, read_documents

BOS = "<|bos|>"
HELD_OUT = 40  # one document of so many is never trained on, chosen by a hash of its name


@dataclass(frozen=True, eq=False)
class Corpus:
    """Token ids to train on and held out, documents joined by BOS, and the tokenizer that made them."""

    tokenizer: Tokenizer
    train: np.ndarray
    held_out: np.ndarray
    documents: int
    characters: int

    @property
    def bos(self) -> int:
        """The id between documents and before every prompt."""
        return bos_id(self.tokenizer)

    @property
    def tokens(self) -> Tokens:
        """The tokenizer with its BOS, as a model carries it."""
        return Tokens(self.tokenizer, self.bos)

    @property
    def digest(self) -> str:
        """SHA-256 of all that a run can take from it: the ids to train on, the ids held out, and the tokenizer."""
        total = hashlib.sha256(f"{self.bos} {self.train.dtype} {self.train.shape} {self.held_out.shape}".encode())
        total.update(self.tokenizer.to_str().encode())
        for ids in (self.train, self.held_out):
            total.update(np.ascontiguousarray(ids).data)
        return total.hexdigest()


def read_corpus(path: Path, vocab: int, tokenizer: Tokenizer | None = None) -> Corpus:
    """Read every document below a folder, or in a file; trains the tokenizer unless one is given.

    Raises BadRequest when there is too little text to hold any out.
    """
    train: list[str] = []
    held: list[str] = []
    for document in read_documents(path):
        (held if _is_held_out(document.name) else train).append(document.text)
    if not held or not train:
        raise BadRequest(
            f"{quote(path)} has {len(train) + len(held)} documents ({', '.join(KINDS)}); about {HELD_OUT} or more are "
            "needed, so that some can be held out"
        )
    if tokenizer is None:
        tokenizer = train_tokenizer(train, vocab)
    bos = bos_id(tokenizer)
    return Corpus(
        tokenizer,
        _encode(tokenizer, train, bos),
        _encode(tokenizer, held, bos),
        len(train) + len(held),
        sum(map(len, train)) + sum(map(len, held)),
    )


def train_tokenizer(texts: list[str], vocab: int) -> Tokenizer:
    """Byte-level BPE of ``vocab`` tokens, digits alone, BOS the first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=[BOS], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def bos_id(tokenizer: Tokenizer) -> int:
    """Return the id of BOS. Raises BadRequest for a tokenizer without it."""
    bos = tokenizer.token_to_id(BOS)
    if bos is None:
        raise BadRequest(f"the tokenizer has no {BOS} token")
    return bos


def _is_held_out(name: str) -> bool:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % HELD_OUT == 0


def _encode(tokenizer: Tokenizer, texts: list[str], bos: int) -> np.ndarray:
    ids: list[int] = []
    for encoded in tokenizer.encode_batch(texts, add_special_tokens=False):
        ids.append(bos)
        ids.extend(encoded.ids)
    return np.array(ids, dtype=np.uint16 if tokenizer.get_vocab_size() <= 1 << 16 else np.uint32)
