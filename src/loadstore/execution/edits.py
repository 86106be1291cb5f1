"""Edits are data: an edited run is ``run(model, prompt, edits=[…])``. There are no hooks and no state to reset.

The computation of each edit: docs/interventions.md.
"""

from collections.abc import Sequence
from typing import TypeVar, overload

from loadstore.bounds import Seed
from loadstore.errors import BadRequest
from loadstore.execution.kinds import Ablate, Cut, Freeze, Patch, Readers, Several, What, Writers
from loadstore.execution.kinds import Deny as Deny
from loadstore.execution.kinds import Edit as Edit
from loadstore.execution.kinds import Replacing as Replacing
from loadstore.execution.kinds import reader_of as reader_of
from loadstore.execution.kinds import source_of as source_of
from loadstore.execution.kinds import writer_of as writer_of
from loadstore.execution.options import (
    At,
    By,
    Channel,
    Place,
    channels_of,
    indices_of,
    is_single,
    known_replacement,
    names_of,
    places_of,
    refuse_channels,
)
from loadstore.execution.record import Pass
from loadstore.quote import quote
from loadstore.sites import EMBED, UNEMBED, Head, Reader, Writer, parse_reader, parse_writer

_Replacing = TypeVar("_Replacing", Ablate, Cut, Patch)


@overload
def ablate(
    writer: Writer | Head,
    *,
    by: By = "mean",
    over: Pass | None = None,
    at: int | None = None,
    channel: Channel = None,
    seed: Seed = 0,
) -> Ablate: ...
@overload
def ablate(
    writer: Writers,
    *,
    by: By = "mean",
    over: Pass | None = None,
    at: At = None,
    channel: Channel = None,
    seed: Seed = 0,
) -> Ablate | Several: ...
def ablate(
    writer: Writers,
    *,
    by: By = "mean",
    over: Pass | None = None,
    at: At = None,
    channel: Channel = None,
    seed: Seed = 0,
) -> Ablate | Several:
    """Replace a writer's store by its mean, by zero, or by the store in another prompt.

    Args:
        writer: One or several names or globs: ``"L1.H*"``, ``["L20.H0", "*.mlp"]``.
        by: ``"mean"``, over all prompts and tokens of ``over`` (or of the run) except the first position;
            ``"zero"``; or ``"resample"``, the store at the same position of a prompt drawn from ``over`` for each.
        over: A run of other prompts.
        at: Only at these tokens, given as indices or texts.
        channel: One channel of a head or a range, numbered from 1 as in ``ls.vocabulary.channels``.
        seed: The seed of ``"resample"``.

    Returns:
        The edit.

    Raises:
        NoSuchSite: A name is not a writer.
        BadRequest: The options are inconsistent.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> edited = ls.run(model, "the cat sat on the mat. the dog sat", [ls.ablate("L1.H4", by="mean")])
        >>> str(edited.edits[0])
        'ablate L1.H4 by mean'
    """
    places = places_of(at)
    edit = Ablate(_writer(writer), known_replacement(by, over), over, indices_of(places), channels_of(channel), seed)
    return _asked(edit, writer, None, places)


@overload
def cut(
    writer: Writer | Head,
    reader: Reader,
    *,
    by: By = "mean",
    over: Pass | None = None,
    at: int | None = None,
    channel: Channel = None,
    seed: Seed = 0,
) -> Cut: ...
@overload
def cut(
    writer: Writers,
    reader: Readers,
    *,
    by: By = "mean",
    over: Pass | None = None,
    at: At = None,
    channel: Channel = None,
    seed: Seed = 0,
) -> Cut | Several: ...
def cut(
    writer: Writers,
    reader: Readers,
    *,
    by: By = "mean",
    over: Pass | None = None,
    at: At = None,
    channel: Channel = None,
    seed: Seed = 0,
) -> Cut | Several:
    """Remove store minus replacement (see ``ablate``) from one reader's input, with norm scales frozen.

    Args:
        writer: One or several names or globs.
        reader: One or several names or globs. With globs, only existing wires are cut.
        by: The replacement of the store, as in ``ls.ablate``.
        over: A run of other prompts.
        at: Only at these tokens of the writer, given as indices or texts.
        channel: Channels of a head, as in ``ls.ablate``.
        seed: The seed of ``"resample"``.

    Returns:
        The edit.

    Raises:
        NoSuchSite: A name is not a site.
        BadRequest: The options are inconsistent.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> edited = ls.run(trace.weights, "the cat sat on the mat. the dog sat", [ls.cut("L0.H7", "L1.H4.K")])
        >>> bool(edited.pattern("L1.H4")[10, 4] < trace.pattern("L1.H4")[10, 4])
        True
    """
    places = places_of(at)
    by, tokens = known_replacement(by, over), indices_of(places)
    edit = Cut(_writer(writer), _reader(reader), by, over, tokens, channels_of(channel), seed)
    return _asked(edit, writer, reader, places)


def patch(
    writer: Writers,
    source: Pass,
    *,
    reader: Readers | None = None,
    at: At = None,
    channel: Channel = None,
) -> Patch | Several:
    """Replace a writer's store by its store in ``source``, a run of the same model on prompts of the same lengths.

    Args:
        writer: One or several names or globs.
        source: A run of the same model on prompts of the same lengths.
        reader: Patch only the inputs of these readers, with norm scales frozen as in a cut (path patching). None: all
            readers (activation patching).
        at: Only at these tokens, given as indices or texts.
        channel: Channels of a head, as in ``ls.ablate``.

    Returns:
        The edit.

    Raises:
        NoSuchSite: A name is not a site.
        BadRequest: The options are inconsistent.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> other = ls.run(model, "the cat sat on the mat. the dog on")
        >>> edited = ls.run(model, "the cat sat on the mat. the dog sat", [ls.patch("L1.H4", other, at=-1)])
        >>> str(edited.edits[0])
        'patch L1.H4 at -1'
    """
    places = places_of(at)
    target = None if reader is None else _reader(reader)
    edit = Patch(_writer(writer), source, target, indices_of(places), channels_of(channel))
    return _asked(edit, writer, reader, places)


def freeze(what: What, source: Pass, *, heads: str | Sequence[str] = "*") -> Freeze:
    """Take patterns (of all heads, or of those that match the globs) or the 1/σ of all norms from ``source``.

    Args:
        what: ``"patterns"`` (attention) or ``"norms"``.
        source: The run to take them from.
        heads: Globs of the heads whose patterns are frozen. Cuts of their Q or K then have no effect.

    Returns:
        The edit.

    Raises:
        BadRequest: ``what`` is another word, or ``heads`` is given for norms.

    Example:
        >>> import loadstore as ls
        >>> trace = ls.run(ls.load("builtin"), "the cat sat on the mat. the dog sat")
        >>> frozen = ls.freeze("patterns", trace, heads="L1.*")
        >>> edited = ls.run(trace.weights, "the cat sat on the mat. the dog sat", [ls.ablate("L0.H7"), frozen])
        >>> edited.pattern("L1.H4").equal(trace.pattern("L1.H4"))
        True
    """
    if what not in ("patterns", "norms"):
        raise BadRequest(f"what={quote(repr(what), 40)} cannot be frozen; use 'patterns' or 'norms'")
    globs = (heads,) if isinstance(heads, str) else tuple(heads)
    if what == "norms" and globs != ("*",):
        raise BadRequest("norms are frozen all together; heads= is for patterns")
    return Freeze(what, source, globs)


def _writer(writers: Writers) -> Writer:
    """The named writer; for lists, globs and streams, a placeholder."""
    if isinstance(writers, str | Writer | Head):
        return parse_writer(writers) if is_single(writers) else EMBED
    return EMBED


def _reader(readers: Readers) -> Reader:
    """The named reader; for lists and globs, a placeholder."""
    if isinstance(readers, str | Reader):
        return parse_reader(readers) if is_single(readers) else UNEMBED
    return UNEMBED


def _asked(
    edit: _Replacing, writers: Writers, readers: Readers | None, places: tuple[Place, ...] | None
) -> _Replacing | Several:
    """The edit itself if it names one site or wire and its tokens are indices; otherwise ``Several``."""
    if is_single(writers) and (readers is None or is_single(readers)) and edit.at == places:
        refuse_channels(edit.writer, edit.channel)
        return edit
    return Several(edit, names_of(writers), None if readers is None else names_of(readers), places)
