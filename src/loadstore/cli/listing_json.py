"""Listings and their proofs as JSON documents."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loadstore.decomposition.loads import Load
    from loadstore.decomposition.program import Listing
    from loadstore.evidence.verdict import Check, Verified
    from loadstore.evidence.whole import Whole


def listing_document(listing: "Listing") -> dict[str, Any]:
    """A listing as JSON, with its text."""
    weights, labels = listing.trace.weights, listing.labels
    return {
        "model": weights.name,
        "bos": weights.begins,
        "definition": "shares of a load sum to 1 with others; those of an MLP are the change without the writer",
        "at": listing.at,
        "token": labels[listing.at],
        "target": listing.text_of(listing.token),
        "target_id": listing.token,
        "against": None if listing.against is None else listing.text_of(listing.against),
        "logit": listing.logit,
        "contrast": listing.contrast,
        "probability": listing.probability,
        "explained": listing.explained,
        "loads": _load(listing, listing.target),
        "steps": [
            {
                "site": step.site,
                "at": step.at,
                "token": labels[step.at],
                "weight": step.weight,
                "carried": step.carried,
                "stored": step.stored,
                "decoded": None if step.decoded is None else {"text": step.decoded[0], "cosine": step.decoded[1]},
                "loads": [_load(listing, load) for load in step.loads],
                "address": [{"index": j, "token": labels[j], "weight": w} for j, w in enumerate(step.attended)],
                "users": list(step.users),
                "effects": "estimated",
            }
            for step in listing.steps
        ],
        "left": listing.left,
        "text": str(listing),
    }


def _load(listing: "Listing", load: "Load") -> dict[str, Any]:
    return {
        "kind": load.kind,
        "parts": [
            {"writer": part.writer, "index": part.token, "token": listing.labels[part.token], "share": part.share}
            for part in load.parts
        ],
        "others": load.others,
        "rest": load.rest,
        "largest_other": load.largest,
        "undefined": load.undefined or None,
    }


def proof_document(proof: "Verified") -> dict[str, Any]:
    """The measurements of every cut."""
    return {
        "whole": None if proof.whole is None else _whole(proof.whole),
        "holds": proof.holds,
        "verified": proof.count,
        "luck": proof.luck,
        "replicates": proof.replicates,
        "replicated_on": proof.on,
        "checks": [_check(check) for check in proof.checks],
        "text": str(proof),
    }


def _whole(whole: "Whole") -> dict[str, Any]:
    return {
        "wires": whole.wires,
        "live": whole.live,
        "replaced": whole.replaced,
        "sufficiency": whole.sufficiency,
        "necessity": whole.necessity,
        "all": whole.all,
        "none": whole.none,
        "alone": whole.alone,
        "without": whole.without,
    }


def _check(check: "Check") -> dict[str, Any]:
    return {
        "wires": [{"writer": str(writer), "reader": str(reader)} for writer, reader in check.claim.wires],
        "traffic": check.traffic,
        "effect": check.effect,
        "change": check.change,
        "probability": check.probability,
        "attention": [
            {"head": head, "query": query, "key": key, "before": before, "after": after}
            for (head, query, key), (before, after) in zip(check.claim.watched, check.attention, strict=True)
        ],
        "controls": list(check.controls),
        "p": check.p,
        "mean": check.mean,
        "standard_error": check.standard_error,
        "beyond": check.beyond,
        "replicated": check.replicated,
        "verified": check.verified,
    }
