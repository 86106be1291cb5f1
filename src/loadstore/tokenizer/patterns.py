"""Bounds the search time of a regular expression from a file; only published expressions pass without parsing.

The syntax is Oniguruma's, without constructs whose work this parser cannot bound.
"""

import re

from loadstore.tokenizer.splits import PUBLISHED
from loadstore.tokenizer.work import FACTOR, ONE, Part, Unbounded, after_each_other, either, once, repeat

LONGEST, DEEPEST = 4096, 16
LETTERS, ANCHORS = frozenset("sSdDwWhHrntfvaeRNO"), frozenset("bBAzZ")
INTERVAL = re.compile(r"\{([0-9]{1,6})?(,)?([0-9]{1,6})?\}")
CODE = re.compile(r"x\{[0-9A-Fa-f]{1,8}\}|x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|[pP]\{\^?[A-Za-z0-9_ =-]{1,40}\}")
POSIX = re.compile(r"\[:\^?[a-z]{1,10}:\]")
GROUP = re.compile(r"\?(?:(?P<plain>[im]*(?:-[im]+)?:)|(?P<look>[=!]|<[=!])|(?P<once>>))")


def degree(pattern: str) -> int:
    """Bound the growth of a search's work with the length of the text.

    Args:
        pattern: A regular expression in Oniguruma's syntax.

    Returns:
        0 if the work grows linearly with the length of the text, 1 if it may grow quadratically.

    Raises:
        Unbounded: The work could grow faster, or the pattern is too long or not supported.
    """
    if pattern in PUBLISHED:
        return 0
    if len(pattern) > LONGEST:
        raise Unbounded(f"it has {len(pattern)} characters, expected at most {LONGEST}")
    reader = _Reader(pattern)
    expression = reader.alternatives(0)
    if reader.at < len(pattern):
        raise Unbounded(f"its parenthesis at {reader.at} closes nothing")
    if expression.last.degree > 1 or expression.last.factor > FACTOR:
        raise Unbounded("its repetitions can be tried again in too many ways, which takes too long on some texts")
    return expression.last.degree


class _Reader:
    """A parser that reads a pattern from its start."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at = pattern, 0

    def take(self, text: str) -> bool:
        matches = self.pattern.startswith(text, self.at)
        self.at += len(text) if matches else 0
        return matches

    def next(self, what: str) -> str:
        if self.at >= len(self.pattern):
            raise Unbounded(f"it ends inside {what}")
        self.at += 1
        return self.pattern[self.at - 1]

    def alternatives(self, depth: int) -> Part:
        if depth > DEEPEST:
            raise Unbounded(f"its brackets are nested more than {DEEPEST} deep")
        branches = [self.sequence(depth)]
        while self.take("|"):
            branches.append(self.sequence(depth))
        return branches[0] if len(branches) == 1 else either(branches)

    def sequence(self, depth: int) -> Part:
        parts: list[Part] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            parts.append(self.repeated(self.atom(depth)))
        return after_each_other(parts)

    def repeated(self, part: Part) -> Part:
        """Apply the repetition that follows a part; only ``?`` or ``+`` may directly follow a repetition mark."""
        least, most = 1, 1
        if (interval := INTERVAL.match(self.pattern, self.at)) and (interval[1] or (interval[2] and interval[3])):
            least, most = (
                int(interval[1] or 0),
                int(interval[3]) if interval[3] else None if interval[2] else int(interval[1]),
            )
            self.at = interval.end()
            self.take("?")
        elif self.at < len(self.pattern) and self.pattern[self.at] in "*+?":
            mark = self.next("a repetition")
            least, most = int(mark == "+"), 1 if mark == "?" else None
            if self.take("+"):
                part = once(repeat(part, least, most))
                least, most = 1, 1
            else:
                self.take("?")
        else:
            return part
        if INTERVAL.match(self.pattern, self.at) or self.pattern[self.at : self.at + 1] in ("*", "+", "?"):
            raise Unbounded("it repeats a repetition")
        return repeat(part, least, most)

    def atom(self, depth: int) -> Part:
        match self.next("the pattern"):
            case "(":
                return self.group(depth)
            case "[":
                self.set(depth)
            case "\\":
                self.escape(ANCHORS)
            case "*" | "+" | "?" as mark:
                raise Unbounded(f"its '{mark}' at {self.at - 1} repeats nothing")
            case _:
                pass
        return ONE

    def group(self, depth: int) -> Part:
        kind = "plain"
        if self.pattern.startswith("?", self.at):
            opening = GROUP.match(self.pattern, self.at)
            if opening is None:
                raise Unbounded(f"its group '({self.pattern[self.at : self.at + 6]}' is not read")
            kind, self.at = str(opening.lastgroup), opening.end()
        inner = self.alternatives(depth + 1)
        if not self.take(")"):
            raise Unbounded("one of its parentheses is not closed")
        match kind:
            case "look":
                return Part(inner.open, inner.open, simple=inner.simple, size=inner.size)
            case "once":
                return once(inner)
            case _:
                return inner

    def set(self, depth: int) -> None:
        """Skip a character set, including nested sets."""
        if depth > DEEPEST:
            raise Unbounded(f"its brackets are nested more than {DEEPEST} deep")
        self.take("^")
        if self.take("]"):
            raise Unbounded("one of its sets begins with ']', which is not read")
        while (mark := self.next("a set")) != "]":
            if mark == "[":
                if posix := POSIX.match(self.pattern, self.at - 1):
                    self.at = posix.end()
                else:
                    self.set(depth + 1)
            elif mark == "\\":
                self.escape(frozenset("b"))

    def escape(self, more: frozenset[str]) -> None:
        if code := CODE.match(self.pattern, self.at):
            self.at = code.end()
            return
        mark = self.next("an escape")
        if mark.isalnum() and mark not in LETTERS | more:
            raise Unbounded(f"its '\\{mark}' is not read")
