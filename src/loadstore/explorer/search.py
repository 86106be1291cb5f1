"""Resolves a typed address: heads, other writers, tokens, and token:subspace as in ``sat·3:L0.H7``.

``loadstore.sites.short_form`` defines equivalent spellings of a site. A token is found by its index, its label, or the
start of its text. Tests: tests/explorer/test_search.py.
"""

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import TypeVar

from loadstore.errors import NoSuchSite
from loadstore.execution.trace import Trace
from loadstore.explorer.requests import SearchRequest
from loadstore.explorer.state import Document, Explorer
from loadstore.figures.words import listed
from loadstore.model.wiring import wiring
from loadstore.quote import quote
from loadstore.sites import Reader, Writer, parse_writer, short_form

SHOWN = 8
"""Maximum number of matches."""
NEAREST = 3
"""Number of suggestions if nothing matches."""
BLANK = {"side": None, "from": None, "do": None, "about": None}

Thing = TypeVar("Thing")


def search(explorer: Explorer, ask: SearchRequest) -> Document:
    """The places whose names start with the text, exact matches first.

    Returns:
        ``matches``: {name, about, screen, change} each; ``said``: the reason for no match, with the nearest names.
    """
    trace = explorer.trace(ask.run)
    text = ask.text.strip()
    matches = list(islice(_matches(trace, text), SHOWN)) if text else []
    return {"matches": matches, "said": "" if matches or not text else _none(trace, text)}


def _matches(trace: Trace, text: str) -> Iterator[Document]:
    token, _, name = text.rpartition(":")
    if token.strip() and name.strip():
        (same, begun), (exact, tokens) = _sites(trace, name), _tokens(trace, token)
        for at in exact or tokens:
            for writer in same or begun:
                yield from _stores(trace, writer, at)
    if (side := _side(trace, text)) is not None:
        change = {**BLANK, "head": str(side.head), "side": side.side}
        yield _place(str(side), f"what {side.head} loads as {side.side}", "address", change)
    (same, begun), (exact, tokens) = _sites(trace, text), _tokens(trace, text)
    for writer in same:
        yield from _of_writer(writer)
    for at in exact:
        yield _of_token(trace, at)
    mixed = max(SHOWN // 2, SHOWN - len(tokens))
    for writer in begun[:mixed]:
        yield next(_of_writer(writer))
    for at in tokens:
        yield _of_token(trace, at)


def _place(name: str, about: str, screen: str, change: Document) -> Document:
    return {"name": name, "about": about, "screen": screen, "change": change}


def _of_writer(writer: Writer) -> Iterator[Document]:
    """The screens that explain a writer."""
    name = str(writer)
    if writer.kind == "head":
        yield _place(name, "where it looks, all tokens", "heads", {**BLANK, "head": name})
        yield _place(name, "its address at the selected token", "address", {**BLANK, "head": name})
    yield _place(name, "what it stored at the selected token", "memory", {"from": name})


def _of_token(trace: Trace, at: int) -> Document:
    return _place(trace.labels[at], "addresses at this token", "address", {**BLANK, "token": at})


def _stores(trace: Trace, writer: Writer, at: int) -> Iterator[Document]:
    """The screens that explain one writer at one token."""
    name = f"{trace.labels[at]}:{writer}"
    if writer.kind == "head":
        change = {**BLANK, "head": str(writer), "token": at}
        yield _place(name, "where the head loads from there", "address", change)
    yield _place(name, "what is stored there, and who loads it", "memory", {"from": str(writer), "token": at})


def _side(trace: Trace, text: str) -> Reader | None:
    """The side of a head with that name."""
    try:
        reader = wiring(trace.weights).reader(text)
    except NoSuchSite:
        return None
    return None if reader.is_unembed or reader.is_mlp else reader


def _sites(trace: Trace, text: str) -> tuple[list[Writer], list[Writer]]:
    """The writers with that name, and those whose names start with it."""
    wanted = short_form(text)
    writers = [writer for writer in wiring(trace.weights).writers if wanted or writer.layer >= 0]  # a bare "L"
    return _named(writers, wanted, lambda writer: (short_form(str(writer)),))


def _tokens(trace: Trace, text: str) -> tuple[list[int], list[int]]:
    """The tokens with that index or label, and those whose labels start with the text."""
    return _named(range(len(trace.labels)), _plain(text), lambda at: (_plain(trace.labels[at]), str(at)))


def _named(
    things: Sequence[Thing], wanted: str, names: Callable[[Thing], Sequence[str]]
) -> tuple[list[Thing], list[Thing]]:
    """Things with exactly that name, and others whose first name starts with it."""
    exact = [thing for thing in things if wanted in names(thing)]
    return exact, [thing for thing in things if names(thing)[0].startswith(wanted) and thing not in exact]


def _plain(label: str) -> str:
    """A label as a user may type it: without space marks, without the dot before its index, in lower case."""
    return "".join(label.split()).replace("␣", "").replace("·", "").lower() or label


def _none(trace: Trace, text: str) -> str:
    """Why a text has no match, with the nearest names."""
    token, _, name = text.rpartition(":")
    try:
        writer = parse_writer(name)
    except NoSuchSite:
        if not token.strip():
            token, name = "", text
    else:
        try:
            wiring(trace.weights).writer(writer)
        except NoSuchSite as error:
            return f"{str(error)[0].upper()}{str(error)[1:]}"
        name = token  # the writer exists, so the token is the unknown part
    names = {short_form(str(writer)): str(writer) for writer in wiring(trace.weights).writers}
    names |= {_plain(label): label for label in trace.labels}
    near = get_close_matches(_plain(name), names, NEAREST, 0.0)
    return (
        f"No head, writer or token of this prompt is called ‘{quote(name, 40)}’. "
        f"Nearest: {listed([names[name_near] for name_near in near])}."
    )
