"""What went wrong on the hub, in one sentence that names the model and the way out."""

from loadstore.checkpoints.repository import HubLocation
from loadstore.errors import BadRequest
from loadstore.quote import quote


class NoSuchRepository(BadRequest):
    """The hub was asked, and has no repository of that name that it shows to everyone."""


def refusal(error: Exception, where: HubLocation) -> BadRequest | None:
    """What an answer of the hub means; None where there was no answer or it says nothing of the name."""
    from huggingface_hub import constants, errors

    if isinstance(error, errors.GatedRepoError):
        return BadRequest(
            f"{where} is gated: its owner grants access; ask for it on its page, then give your token as HF_TOKEN"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return BadRequest(f"{where.repository} has no revision '{where.revision}'; give a branch, a tag or a commit")
    if isinstance(error, errors.RepositoryNotFoundError | errors.HFValidationError):
        return NoSuchRepository(
            f"there is no model '{where}': no file or folder here, and no repository on {constants.ENDPOINT}; "
            "check the name, or give your token as HF_TOKEN if it is private"
        )
    if isinstance(error, errors.DisabledRepoError):
        return BadRequest(f"{where} was disabled by its owner or by the hub; choose another model")
    return None


def unreachable(error: Exception, where: HubLocation) -> BadRequest:
    """The last word where neither the hub nor the cache has it."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return BadRequest(
            f"{where} is no file or folder here and not in the cache ({constants.HF_HUB_CACHE}), and HF_HUB_OFFLINE "
            "forbids to fetch it; unset it once, or set HF_HOME to where a copy is"
        )
    return BadRequest(
        f"{where} is no file or folder here and not in the cache, and {constants.ENDPOINT} could not be asked for it "
        f"({quote(error)}); "
        "check the network, or load a file that you have"
    )
