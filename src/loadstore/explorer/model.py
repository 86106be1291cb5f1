"""The facts of the model for the page when it opens."""

from loadstore.explorer.current import Current
from loadstore.explorer.prompt import WINDOW
from loadstore.explorer.requests import CHARACTERS, ModelRequest
from loadstore.explorer.state import Document
from loadstore.figures.facts import facts
from loadstore.heads.patterns import ROLES
from loadstore.model.wiring import wiring
from loadstore.scores.measures import WHOLE


def model(current: Current, ask: ModelRequest) -> Document:
    """Name, shape, sites and limits of the model; ``number``: sent by the page with its questions (app.NUMBER)."""
    now = current.now
    explorer = now.explorer
    weights, shape = explorer.weights, explorer.weights.architecture
    network = wiring(weights)
    return {
        "name": weights.name,
        "number": now.number,
        "facts": facts(weights),
        "layers": shape.n_layers,
        "heads_per_layer": shape.n_heads,
        "heads": [str(head) for head in shape.heads],
        "writers": [str(writer) for writer in network.writers],
        "wires": int(network.exists.sum()),
        "roles": list(ROLES),
        "measures": [{"name": measure.name, "label": measure.column[1]} for measure in WHOLE],
        "context": shape.context,
        "bos": weights.begins,
        "text": weights.tokens is not None,
        "training": explorer.training is not None,
        "untokenised": None if weights.tokens is not None else weights.untokenised,
        "limits": {"characters": CHARACTERS, "tokens": explorer.runs.most, "window": WINDOW},
    }
