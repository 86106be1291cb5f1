"""Read a corpus once per run: tokens and tokenizer are kept beside the state, so that a resume starts at once.

The kept tokens are used only for the text that they were made from, file by file, and while no bit of them has changed.
"""

import hashlib
import io
import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from loadstore.atomic import write_whole
from loadstore.errors import BadRequest
from loadstore.quote import quote
from loadstore.tokenizer.vetting import vet
from loadstore.training.corpus import Corpus, read_corpus
from loadstore.training.documents import KINDS, text_files
from loadstore.training.folder import claimed, own
from loadstore.training.group import ALONE, Group
from loadstore.training.recipe import Recipe
from loadstore.training.synthetic import made_up_words

ARRAYS, FACTS = "corpus.npz", "corpus.json"


def prepare(text: Path, run: Path, vocab: int, *, overwrite: bool = False) -> Corpus:
    """Return the corpus of a folder or file; uses what ``run`` keeps if no file of it has changed.

    Raises BadRequest when the text is missing, cannot be read or has too little text, and as ``claimed`` does.
    """
    try:
        if not text.is_dir() and not text_files(text):
            raise BadRequest(
                f"{quote(text)} is not a folder or a file of text; give a folder of .txt files, one document each, or "
                f"of JSON lines or Parquet ({', '.join(KINDS)})"
            )
        with claimed(run, overwrite=overwrite):
            own(run, ARRAYS, FACTS)
            mark = _fingerprint(text, vocab)
            try:
                corpus, fingerprint = _kept(run)
            except (OSError, ValueError):  # none, or damaged: the text itself is there
                corpus, fingerprint = None, ""
            return corpus if corpus is not None and fingerprint == mark else _read(text, run, vocab, mark)
    except OSError as error:
        raise BadRequest(f"{quote(text)} cannot be read ({quote(error)}); check names and permissions") from None


def prepare_for(
    recipe: Recipe, text: Path | None, run: Path, group: Group = ALONE, *, overwrite: bool = False
) -> Corpus:
    """Return the corpus of a recipe: of ``text``, or of made-up words where the recipe is of repeats alone.

    The first process of a group reads; the others take what it keeps. Raises BadRequest as ``prepare`` does, and where
    a recipe needs a text that was not given.
    """
    if text is None and recipe.needs_text:
        raise BadRequest(f"the recipe {recipe.name} reads text; give a folder of .txt, .jsonl or .parquet files")
    if text is None:
        with claimed(run, overwrite=overwrite) if group.first else nullcontext():
            return made_up_words(recipe.vocab)
    corpus = prepare(text, run, recipe.vocab, overwrite=overwrite) if group.first else None
    group.meet()
    return kept(run) if corpus is None else corpus


def _read(text: Path, run: Path, vocab: int, mark: str) -> Corpus:
    """Read the text and keep its corpus."""
    corpus = read_corpus(text, vocab)
    buffer = io.BytesIO()
    np.savez(buffer, train=corpus.train, held_out=corpus.held_out)
    arrays = buffer.getbuffer()
    facts = {
        "fingerprint": mark,
        "arrays": hashlib.sha256(arrays).hexdigest(),
        "documents": corpus.documents,
        "characters": corpus.characters,
        "tokenizer": corpus.tokenizer.to_str(),
    }
    write_whole(run / ARRAYS, arrays)
    write_whole(run / FACTS, json.dumps({"digest": _digest(facts), "facts": facts}).encode())
    return corpus


def kept(run: Path) -> Corpus:
    """Return the corpus that a run keeps. Raises BadRequest where there is none, or where it is damaged."""
    try:
        return _kept(run)[0]
    except FileNotFoundError as error:
        raise BadRequest(f"{run} keeps no corpus ({error}); train there first") from None
    except (OSError, ValueError) as error:
        raise BadRequest(
            f"the corpus in {run} cannot be used ({quote(error)}); train there again with its text, which renews it"
        ) from None


def _kept(run: Path) -> tuple[Corpus, str]:
    """The corpus that a run keeps, and the fingerprint of its text. Raises OSError, and ValueError where it is damaged.

    The facts hold the digests of both, so that a kill between the two writes is noticed.
    """
    try:
        document = json.loads((run / FACTS).read_text(encoding="utf-8"))
        facts = document["facts"]
        if document["digest"] != _digest(facts):
            raise ValueError("its content does not match its digest")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{FACTS} is damaged: {error}") from None
    content = (run / ARRAYS).read_bytes()
    if hashlib.sha256(content).hexdigest() != facts["arrays"]:
        raise ValueError(f"{ARRAYS} is damaged, or belongs to another text: its content does not match {FACTS}")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            vet(json.loads(facts["tokenizer"]))
            tokenizer = Tokenizer.from_str(facts["tokenizer"])
            corpus = Corpus(tokenizer, arrays["train"], arrays["held_out"], facts["documents"], facts["characters"])
        return corpus, facts["fingerprint"]
    except Exception as error:  # a file made by hand can raise anything
        raise ValueError(f"{FACTS} or {ARRAYS} is not what training writes: {error}") from None


def _digest(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _fingerprint(text: Path, vocab: int) -> str:
    """Names and content of all files, in the order in which they are read."""
    listing = [(str(path.relative_to(text)), _content(path)) for path in text_files(text)]
    return hashlib.sha256(json.dumps([vocab, listing]).encode()).hexdigest()


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
