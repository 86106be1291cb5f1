"""The MLPs and experts that configs of DeepSeek state.

V2 scores experts by a softmax. V3 scores them by sigmoids and ranks a group by its two best experts. The first layers
have an MLP without experts.
"""

from typing import Any

from loadstore.checkpoints.families.experts import with_experts
from loadstore.checkpoints.families.huggingface import Facts
from loadstore.errors import NotThisModel
from loadstore.model.mixture import Mixture
from loadstore.model.mlp_facts import Mlp
from loadstore.quote import quote

GREEDY, GROUPED = "greedy", "group_limited_greedy"  # ways of choosing experts


def mlps_of(facts: Facts, n_layers: int) -> dict[str, Any]:
    """The facts ``mlp`` and, unless all layers are without, ``experts`` of an architecture."""
    third = facts.kind == "deepseek_v3"
    first = facts.whole("first_k_dense_replace") if facts.config["first_k_dense_replace"] != 0 else 0
    plain, width = facts.whole("intermediate_size"), facts.whole("moe_intermediate_size")
    if first >= n_layers:
        return {"mlp": Mlp(plain, gated=True, activation=facts.activation("hidden_act"))}
    method = facts.config["topk_method"] if not third else GROUPED
    if method not in (GREEDY, GROUPED):
        raise NotThisModel(
            f"{facts.checkpoint.path}: its config says topk_method = {quote(method, 40)}, which is not supported; "
            f"supported: {GREEDY}, {GROUPED}"
        )
    grouped = method == GROUPED
    mixture = Mixture(
        *(facts.whole("n_routed_experts"), facts.whole("num_experts_per_tok"), width),
        normalised=third and facts.flag("norm_topk_prob"),
        scheme="sigmoid" if third else "softmax",
        groups=facts.whole("n_group") if grouped else 1,
        chosen_groups=facts.whole("topk_group") if grouped else 1,
        judged_by=2 if third else 1,
        scale=facts.number("routed_scaling_factor"),
        without=tuple(range(first)),
        plain_width=plain if first else None,
    )
    return {"mlp": with_experts(facts, mixture, width * facts.whole("n_shared_experts")), "experts": mixture}
