"""The generated tasks by name."""

from loadstore.circuits.recipe import Recipe
from loadstore.circuits.tasks.agreement import AGREEMENT
from loadstore.circuits.tasks.capital import CAPITAL
from loadstore.circuits.tasks.coloured_objects import COLOURED_OBJECTS
from loadstore.circuits.tasks.docstring import DOCSTRING
from loadstore.circuits.tasks.gender import GENDER
from loadstore.circuits.tasks.greater_than import GREATER_THAN
from loadstore.circuits.tasks.hypernymy import HYPERNYMY
from loadstore.circuits.tasks.induction import INDUCTION
from loadstore.circuits.tasks.ioi import IOI

TASKS: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        IOI,
        GREATER_THAN,
        AGREEMENT,
        GENDER,
        CAPITAL,
        HYPERNYMY,
        COLOURED_OBJECTS,
        DOCSTRING,
        INDUCTION,
    )
}
