"""The regular expressions by which published byte-level vocabularies split text."""

ENDINGS = r"'s|'t|'re|'ve|'m|'ll|'d"
SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
REST = rf" ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{SPACES}"
REST_SLASH = REST.replace(r"[\r\n]*", r"[\r\n/]*")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
BEFORE = r"[^\r\n\p{L}\p{N}]?"
LLAMA3 = rf"(?i:{ENDINGS})|{BEFORE}\p{{L}}+|\p{{N}}{{1,3}}|{REST}"
QWEN2 = rf"(?i:{ENDINGS})|{BEFORE}\p{{L}}+|\p{{N}}|{REST}"
TEKKEN = rf"{BEFORE}{UPPER}*{LOWER}+|{BEFORE}{UPPER}+{LOWER}*|\p{{N}}|{REST_SLASH}"
GPT2 = rf"{ENDINGS}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)|\s+"
GPT2_SHORT = GPT2.replace(ENDINGS, r"'(?:[sdmt]|ll|ve|re)")
GPT4O = rf"{BEFORE}{UPPER}*{LOWER}+(?i:{ENDINGS})?|{BEFORE}{UPPER}+{LOWER}*(?i:{ENDINGS})?|\p{{N}}{{1,3}}|{REST_SLASH}"
MARKS = QWEN2.replace(r"\p{L}+", r"[\p{L}\p{M}]+").replace(r"[^\s\p{L}\p{N}]", r"[^\s\p{L}\p{M}\p{N}]")  # Qwen 3.5
# Their work is linear in the length of the text, since the last alternatives match whatever the earlier ones do not.
PUBLISHED = frozenset((LLAMA3, QWEN2, TEKKEN, GPT2, GPT2_SHORT, GPT4O, MARKS))
