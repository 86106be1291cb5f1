"""Documents for traffic: the shipped ones, those of a folder or file, texts, or token ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

import torch
from jaxtyping import Int
from torch import Tensor

from loadstore.corpora.textfiles import read_texts
from loadstore.errors import BadPrompt, BadRequest
from loadstore.execution.run import WHOLE
from loadstore.model.weights import Weights
from loadstore.quote import quote, some
from loadstore.tokenizer.tokens import require

DEFAULT, LENGTH, LEAST = "default", 128, 2  # tokens; the least number lets one attend to the other
KINDS, EACH = ("prose", "code", "dialogue"), 8  # documents that ship
Source: TypeAlias = str | Path | Sequence[str | int | Sequence[int] | Int[Tensor, " _"]] | Int[Tensor, "*d token"]


@dataclass(frozen=True, eq=False)
class Corpus:
    """Documents as token ids, each split into pieces that fit the model. Traffic is measured on these.

    Every document has a piece, and every piece at least two tokens, not counting a BOS at its start.
    """

    name: str
    documents: tuple[tuple[Int[Tensor, " _"], ...], ...]

    @property
    def tokens(self) -> int:
        """The number of tokens in all pieces, including BOS."""
        return sum(piece.numel() for document in self.documents for piece in document)


def read_corpus(
    weights: Weights, corpus: Source = DEFAULT, *, length: int | None = None, tokens: int | None = None
) -> Corpus:
    """Read documents in pieces of at most ``length`` tokens (None: 128, or the context if that is shorter).

    ``"default"``: the first piece of each of 24 shipped documents. Any other str or Path: a text file, or a folder with
    one document in each ``.txt`` file below it. A sequence: texts, or lists of ids; a flat list of ids is one document.
    Every piece begins with the model's BOS if it comes from a text, or from ids that begin with BOS. Documents and
    pieces that are too short are omitted. ``tokens``: stop after the document that reaches this many. Raises BadRequest
    (the corpus does not exist or is empty), BadPrompt (text or ids unknown to the model) and Undefined (text for a
    model without a tokenizer).
    """
    bos, context = weights.tokens and weights.tokens.bos, weights.architecture.context
    least, length = LEAST + (bos is not None), min(LENGTH, context) if length is None else length
    if not least <= length <= context:
        two = "two tokens" if bos is None else "BOS and two tokens"
        raise BadRequest(f"length={length}: a piece for {weights.name} has from {least} ({two}) to {context} (context)")
    if tokens is not None and tokens < 1:
        raise BadRequest(f"tokens={tokens}: expected at least 1; leave it out to take the whole corpus")
    shipped = isinstance(corpus, str) and corpus == DEFAULT
    name, texts = _shipped() if shipped else _given(corpus)
    documents: list[tuple[Tensor, ...]] = []
    total = 0
    for label, document in texts.items():
        if isinstance(document, str) and not document.strip():
            continue
        ids = _ids(weights, document, f"{label} of {name}")
        start = 1 if bos is not None and ids[:1].tolist() == [bos] else 0
        parts = [torch.cat([ids[:start], part]) for part in ids[start:].split(length - start) if part.numel() >= LEAST]
        documents += [tuple(parts[:1] if shipped else parts)] if parts else []
        total += sum(part.numel() for part in documents[-1]) if parts else 0
        if tokens is not None and total >= tokens:
            break
    if not documents:
        what = f"only empty or one-token documents ({some(list(texts))})" if texts else "no documents"
        raise BadRequest(f"corpus '{name}' has {what}; give at least one of two tokens, one to attend to the other")
    return Corpus(name, tuple(documents))


def counts(weights: Weights, corpus: Source = DEFAULT) -> Int[Tensor, " vocab"]:
    """The count of every vocabulary id in a corpus, without the BOS at the start of pieces.

    Raises the errors of ``read_corpus``.
    """
    pieces = [piece for document in read_corpus(weights, corpus).documents for piece in document]
    occurrences = torch.bincount(torch.cat(pieces), minlength=weights.architecture.vocab)
    if weights.tokens is not None and weights.tokens.bos is not None:
        occurrences[weights.tokens.bos] = 0
    return occurrences


def _shipped() -> tuple[str, dict[str, object]]:
    """The texts in the package. Kinds are interleaved, so a short prefix covers all of them."""
    folder = Path(str(files("loadstore") / "data" / "corpus"))
    names = [f"{kind}-{number}.txt" for number in range(1, EACH + 1) for kind in KINDS]
    return DEFAULT, {name: (folder / name).read_text(encoding="utf-8") for name in names}


def _given(corpus: object) -> tuple[str, dict[str, object]]:
    """Documents by file name, or by index in a sequence or tensor."""
    if isinstance(corpus, Path) or (isinstance(corpus, str) and corpus):
        texts = read_texts(Path(corpus))
        return quote(Path(corpus).resolve().name, 60), dict(texts)
    documents: list[object]
    if isinstance(corpus, Tensor):
        documents = list(corpus) if corpus.dim() == 2 else [corpus]
    elif isinstance(corpus, Sequence) and not isinstance(corpus, str | bytes | bytearray | memoryview):
        nested = any(isinstance(item, str | Sequence) or (isinstance(item, Tensor) and item.dim()) for item in corpus)
        documents = list(corpus) if nested or not corpus else [list(corpus)]
    else:
        raise BadRequest(
            f"corpus={quote(repr(corpus), 40)}: expected '{DEFAULT}', a text file or a folder of them, a list of "
            "texts or of lists of token ids, or a tensor of ids, [document, token]"
        )
    kind = "text" if documents and all(isinstance(document, str) for document in documents) else "document"
    name = f"{len(documents)} {kind}{'s' * (len(documents) != 1)}"
    return name, {f"{kind} {index}": document for index, document in enumerate(documents)}


def _ids(weights: Weights, document: object, where: str) -> Int[Tensor, " token"]:
    """Token ids of one document of any length. Raises BadPrompt, Undefined."""
    vocab = weights.architecture.vocab
    try:
        if isinstance(document, str):
            document = require(weights.tokens, weights.name, weights.untokenised).encode(document)
        ids = torch.as_tensor(document)
    except BadPrompt as error:
        raise BadPrompt(f"{where}: {error}") from None
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise BadPrompt(f"{where} must be text or a list of whole token ids: {quote(error)}") from None
    if ids.numel() and (ids.dim() != 1 or ids.dtype not in WHOLE):
        raise BadPrompt(f"{where} must be text or a list of whole token ids; got {ids.dtype} {list(ids.shape)}")
    ids = ids.flatten().long()
    wrong = (ids < 0) | (ids >= vocab)
    if bool(wrong.any()):
        at = int(wrong.int().argmax())
        raise BadPrompt(f"{where} has id {int(ids[at])} at token {at}; {weights.name} takes ids 0 to {vocab - 1}")
    return ids
