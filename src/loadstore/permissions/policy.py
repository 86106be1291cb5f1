"""A policy: the readers that may load from protected subspaces, the writers that may store, and declassification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple, cast

from loadstore.errors import BadRequest, NoSuchSite
from loadstore.model.globs import Site, matching
from loadstore.model.opened import whole_mlps
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.permissions.subspace import Subspace
from loadstore.permissions.toml import VERBS, parse_tables, read_tables, tables_text
from loadstore.quote import quote
from loadstore.sites import Reader, Writer

Globs = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Policy:
    """Protected subspaces by name, with globs of sites for each of them.

    Args:
        protect: Subspaces by name.
        load: Readers that may load from a subspace, such as ``["L1.H4.K"]``; all if left out. ``"!L1.H4.K"``
            excludes one; a list of exclusions alone starts from all; an empty list allows none.
        store: Writers that may store into it, in the same form; all if left out.
        declassify: Readers, among those that may load, whose stores count as clean.

    Raises BadRequest for a rule about a subspace that ``protect`` does not name.

    Example:
        >>> import loadstore as ls
        >>> model = ls.load("builtin")
        >>> space = ls.policies.subspace(model, [" cat", " dog"])
        >>> policy = ls.policies.Policy({"animals": space}, load={"animals": "!L1.*"})
        >>> policy.load
        {'animals': '!L1.*'}
    """

    protect: Mapping[str, Subspace] = field(default_factory=dict[str, Subspace])
    load: Globs = field(default_factory=dict[str, str | Sequence[str]])
    store: Globs = field(default_factory=dict[str, str | Sequence[str]])
    declassify: Globs = field(default_factory=dict[str, str | Sequence[str]])

    def __post_init__(self) -> None:
        if not isinstance(self.protect, Mapping) or not all(  # pyright: ignore[reportUnnecessaryIsInstance]
            isinstance(name, str) and isinstance(space, Subspace)  # pyright: ignore[reportUnnecessaryIsInstance]
            for name, space in self.protect.items()
        ):
            raise BadRequest(
                "protect= of a policy is a mapping of names to subspaces, as ls.policies.subspace returns them"
            )
        for verb in VERBS:
            globs: object = getattr(self, verb)
            if not isinstance(globs, Mapping) or not all(map(_are_globs, cast("Globs", globs).values())):
                raise BadRequest(f"{verb}= of a policy is a mapping of names to globs of sites, such as ['L1.H4.K']")
            for name in cast("Globs", globs):
                if name not in self.protect:
                    near = get_close_matches(str(name), map(str, self.protect), 1, 0)
                    said = f"; the nearest is '{quote(near[0])}'" if near else ""
                    raise BadRequest(f"{verb} is about '{quote(name)}', which the policy does not protect{said}")

    @classmethod
    def from_toml(cls, policy: str | Path, weights: Weights) -> "Policy":
        """Read a policy for a model: a Path is a file, a string is TOML. Raises BadRequest, NoSuchSite, Undefined."""
        read = read_tables if isinstance(policy, Path) else parse_tables
        protect, globs = read(policy, weights)  # pyright: ignore[reportArgumentType]
        return cls(protect, **globs)

    def to_toml(self) -> str:
        """Return the policy as TOML, each subspace as its rows; ``from_toml`` restores the same policy."""
        return tables_text(self.protect, {verb: getattr(self, verb) for verb in VERBS})


def _are_globs(globs: object) -> bool:
    listed = cast("Sequence[object]", globs) if isinstance(globs, Sequence) else [None]
    return all(isinstance(glob, str) for glob in listed)


class Rights(NamedTuple):
    """The sites of one model with permissions for one subspace."""

    name: str
    subspace: Subspace
    load: tuple[Reader, ...]
    store: tuple[Writer, ...]
    declassify: tuple[Reader, ...]
    restricts_stores: bool


def rights(weights: Weights, policy: Policy) -> list[Rights]:
    """Return the permissions of a model's sites, subspace by subspace. Raises NoSuchSite, BadRequest."""
    whole_mlps(weights, "rights are stated")
    network, every_right = wiring(weights), list[Rights]()
    for name, space in policy.protect.items():
        if space.rows.shape[1] != weights.architecture.d_model:
            raise BadRequest(
                f"subspace '{quote(name)}' is of a stream of {space.rows.shape[1]} dimensions; {weights.name} has "
                f"{weights.architecture.d_model}"
            )

        def chosen(verb: str, sites: Sequence[Site], named: object, name: str = name) -> tuple[Site, ...]:
            globs = getattr(policy, verb).get(name)
            if globs is None:
                return () if verb == "declassify" else tuple(sites)
            return _chosen(f"{verb} of '{quote(name)}'", sites, [globs] if isinstance(globs, str) else globs, named)

        load = chosen("load", network.readers, network.reader)
        declassify = chosen("declassify", network.readers, network.reader)
        if strangers := [str(reader) for reader in declassify if reader not in load]:
            raise BadRequest(f"'{quote(name)}': {strangers[0]} declassifies but may not load; allow it to load")
        store = chosen("store", network.writers, network.writer)
        every_right.append(Rights(name, space, load, store, declassify, name in policy.store))
    return every_right


def _chosen(where: str, sites: Sequence[Site], globs: Sequence[str], named: object) -> tuple[Site, ...]:
    """The sites that match some globs, without those that match a glob with ``!``."""
    taken = [glob for glob in globs if not glob.startswith("!")]
    left_out = [glob[1:] for glob in globs if glob.startswith("!")]
    chosen = set(_matching(where, sites, taken, named)) if taken else set[Site](sites) if left_out else set[Site]()
    chosen -= set(_matching(where, sites, left_out, named)) if left_out else set[Site]()
    return tuple(site for site in sites if site in chosen)


def _matching(where: str, sites: Sequence[Site], globs: Sequence[str], named: object) -> list[Site]:
    """The sites that match some globs. Raises NoSuchSite with the nearest name."""
    matched: list[Site] = []
    for glob in globs:
        try:
            matched += matching(sites, glob, named)  # pyright: ignore[reportArgumentType]
        except NoSuchSite as error:
            near = get_close_matches(glob, [str(site) for site in sites], 1, 0)
            nearest = "" if "Nearest" in str(error) else f" Nearest: {near[0]}."
            raise NoSuchSite(f"{where}: {str(error).removesuffix('.')}.{nearest}") from None
    return matched
