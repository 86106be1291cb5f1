"""A count of work by kind, its seconds on a machine, and the kind that bounds it."""

from dataclasses import dataclass

from loadstore.cost.machine import Machine

WORDS = {"products": "products", "decompositions": "eigenvalues", "moved": "bytes", "calls": "small operations"}


@dataclass(frozen=True, slots=True)
class Work:
    """Work of four kinds, which are assumed not to overlap.

    Args:
        products: Floating-point operations of matrix products; a multiplication with its addition is 2.
        decompositions: Floating-point operations of eigenvalues, 4/3 n³ each.
        moved: Bytes that are read or written besides those of products.
        calls: Small operations.
    """

    products: float = 0.0
    decompositions: float = 0.0
    moved: float = 0.0
    calls: float = 0.0

    @property
    def operations(self) -> float:
        """Floating-point operations of products and decompositions."""
        return self.products + self.decompositions

    def __add__(self, more: "Work") -> "Work":
        return Work(*(getattr(self, name) + getattr(more, name) for name in WORDS))

    def __mul__(self, times: float | int) -> "Work":
        return Work(*(getattr(self, name) * times for name in WORDS))

    def parts(self, machine: Machine) -> dict[str, float]:
        """Seconds of each kind of work on a machine, by its name for people."""
        return {word: getattr(self, name) / getattr(machine, name) for name, word in WORDS.items()}

    def seconds(self, machine: Machine) -> float:
        """Seconds of all of it."""
        return sum(self.parts(machine).values())

    def bound(self, machine: Machine) -> tuple[str, float]:
        """The kind that takes most of the time, and its share of it (0 of no work)."""
        parts = self.parts(machine)
        name = max(parts, key=lambda word: parts[word])
        whole = sum(parts.values())
        return name, parts[name] / whole if whole else 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Work, and bytes of memory above the weights."""

    work: Work
    memory: float

    @property
    def operations(self) -> float:
        """Floating-point operations of the work."""
        return self.work.operations

    def seconds(self, machine: Machine) -> float:
        """Seconds of the work on a machine."""
        return self.work.seconds(machine)
