"""Read a corpus once per run: tokens and tokenizer are kept beside the state, so that a resume starts at once."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from loadstore.atomic import write_whole
from loadstore.errors import BadRequest
from loadstore.training.corpus import Corpus, read_corpus
from loadstore.training.folder import make_folder


def prepare(text: Path, run: Path, vocab: int) -> Corpus:
    """Return the corpus of a folder; uses what ``run`` keeps if the folder has not changed.

    Raises BadRequest when the folder is missing or has too little text.
    """
    if not text.is_dir():
        raise BadRequest(f"{text} is not a folder; give a folder of .txt files, one document each")
    make_folder(run)
    mark, arrays, names = _fingerprint(text, vocab), run / "corpus.npz", run / "corpus.json"
    if arrays.exists() and names.exists() and json.loads(names.read_text(encoding="utf-8"))["fingerprint"] == mark:
        return kept(run)
    corpus = read_corpus(text, vocab)
    buffer = io.BytesIO()
    np.savez(buffer, train=corpus.train, held_out=corpus.held_out)
    facts = {
        "fingerprint": mark,
        "documents": corpus.documents,
        "characters": corpus.characters,
        "tokenizer": corpus.tokenizer.to_str(),
    }
    # The facts vouch for the arrays, so old facts must go before new arrays come.
    names.unlink(missing_ok=True)
    write_whole(arrays, buffer.getbuffer())
    write_whole(names, json.dumps(facts).encode())
    return corpus


def kept(run: Path) -> Corpus:
    """Return the corpus that a run keeps. Raises BadRequest where there is none."""
    try:
        facts = json.loads((run / "corpus.json").read_text(encoding="utf-8"))
        with np.load(run / "corpus.npz", allow_pickle=False) as arrays:
            return Corpus(
                Tokenizer.from_str(facts["tokenizer"]),
                arrays["train"],
                arrays["held_out"],
                facts["documents"],
                facts["characters"],
            )
    except (OSError, ValueError, KeyError) as error:
        raise BadRequest(f"{run} keeps no corpus ({error}); train there first") from None


def _fingerprint(text: Path, vocab: int) -> str:
    """Names and sizes of all files: cheap, and enough to notice another folder."""
    listing = [(str(path.relative_to(text)), path.stat().st_size) for path in sorted(text.rglob("*.txt"))]
    return hashlib.sha256(json.dumps([vocab, listing]).encode()).hexdigest()
