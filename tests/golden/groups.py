"""The names of models and groups. It imports no loadstore: the tests ask another process for the numbers."""

TINY = ("learned", "shortformer", "rotary", "none", "gpt2", "neox", "llama", "qwen3")
REAL = ("builtin", "smollm2")
GROUPS = ("weights", "pass", "edits", "text", "controls", "fields", "commands")
ONLY = {  # groups that are not of every model
    "fields": ("llama", "learned"),
    "commands": ("llama", "learned"),
    "controls": ("learned", "llama", "gpt2", "builtin", "smollm2"),
}
PAIRS = [(model, group) for model in (*TINY, *REAL) for group in GROUPS if model in ONLY.get(group, (*TINY, *REAL))]
