"""One item of a sweep: an analysis of a checkpoint, or a tile of one, under a key made from everything it depends on.

The key is a digest of the content of the checkpoint and its tokenizer, the analysis with its options and version, the
texts that it reads, and the tile. A checkpoint that is moved or copied keeps its results; one that changes has none.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loadstore.checkpoints.digest import digest_of
from loadstore.corpora.corpus import DEFAULT
from loadstore.corpora.textfiles import read_texts
from loadstore.model.weights import Weights
from loadstore.sweep.options import VERSIONS, Value


@dataclass(frozen=True, slots=True)
class Item:
    """One item.

    Args:
        model: What ``ls.load`` takes; an absolute path for files.
        name: The model as the plan names it.
        content: The digest of the checkpoint and its tokenizer.
        analysis: The analysis.
        options: All of its options.
        layers: The first layer of a tile and the one after its last; None for all of a model.
        key: The digest that names its result.
    """

    model: str
    name: str
    content: str
    analysis: str
    options: dict[str, Value]
    layers: tuple[int, int] | None
    key: str

    def __str__(self) -> str:
        tile = "" if self.layers is None else f" of layers {self.layers[0]} to {self.layers[1] - 1}"
        return f"{self.analysis}{tile} of {self.name}"


def content_of(weights: Weights) -> str:
    """The digest of a checkpoint with its tokenizer and its BOS policy: everything that results depend on."""
    tokens = weights.tokens
    text = "" if tokens is None else json.dumps([tokens.tokenizer.to_str(), tokens.bos, tokens.own])
    return hashlib.sha256(f"{digest_of(weights)}\n{weights.dtype}\n{text}".encode()).hexdigest()


def key_of(content: str, analysis: str, options: Mapping[str, Value], layers: tuple[int, int] | None = None) -> str:
    """The key of an item. Raises BadRequest where the texts of its options cannot be read."""
    corpus = options.get("corpus", DEFAULT)
    texts = None if corpus == DEFAULT else read_texts(Path(str(corpus)))
    facts = [content, analysis, VERSIONS[analysis], dict(options), texts, layers]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def item_of(
    model: str,
    name: str,
    content: str,
    analysis: str,
    options: Mapping[str, Value],
    layers: tuple[int, int] | None = None,
) -> Item:
    """Make an item with its key."""
    return Item(model, name, content, analysis, dict(options), layers, key_of(content, analysis, options, layers))
