"""Break each invariant of the catalogue once, in a private copy, and see its tests fail.

    cd tests && python -m mutants.run [WORD …] [--jobs 1] [--limit SECONDS] [--record FILE]

takes the mutants whose names contain a word, or all. Their tests must pass on the unbroken copy first. Every verdict is
kept in the record at once, so that an interrupted run goes on where it stopped. The exit code is 0 if all mutants are
killed, else 1.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mutants.catalogue import ROOT, DoesNotApply, Mutant, read_catalogue
from mutants.copies import copy_of
from mutants.pool import try_all
from mutants.record import Keys, Record
from mutants.trial import LIBRARIES, PLUGINS, Outcome, prepare

OVERHEAD = 3.0  # seconds of a trial beside its tests, until a trial has shown how many
WORDS = {"failed": "killed", "passed": "survived"}


class Runner:
    """Tries mutants in copies of the project, unless the record has their verdict."""

    def __init__(self, record: Record, copies: Sequence[Path], limit: float) -> None:
        """Take the record to keep and the copies to break."""
        self._record, self._copies, self._limit = record, copies, limit
        self._keys = Keys(copies[0])

    def outcomes(self, mutants: Sequence[Mutant]) -> dict[str, Outcome]:
        """Try what is not known, and return every mutant's outcome by name."""
        found: dict[str, Outcome] = {}
        applied: list[Mutant] = []
        for mutant in mutants:
            try:
                mutant.broken(self._copies[0])
                applied.append(mutant)
            except DoesNotApply as error:
                found[mutant.name] = Outcome("does not apply", 0.0, output=str(error))
        found |= self._known(applied)
        todo = [mutant for mutant in applied if mutant.name not in found]
        files = {file for mutant in todo for file in mutant.test_files}
        whole = self._unbroken([_whole(file, applied) for file in sorted(files)])
        bad = {file for file, outcome in whole.items() if outcome.verdict != "passed"}
        suspects = {f"{mutant.name}, unbroken": mutant for mutant in todo if bad.intersection(mutant.test_files)}
        alone = self._unbroken([replace(mutant, name=name, file="") for name, mutant in suspects.items()])
        found |= {suspects[name].name: _unusable(one) for name, one in alone.items() if one.verdict != "passed"}
        seconds = {test: spent for one in (whole | alone).values() for test, spent in one.tests.items()}
        todo = [mutant for mutant in todo if mutant.name not in found]
        return found | self._try(todo, {mutant.name: self._expected(mutant, seconds) for mutant in todo})

    def _unbroken(self, trials: Sequence[Mutant]) -> dict[str, Outcome]:
        """Run tests on a whole copy, unless they are known to pass there."""
        known = {name: outcome for name, outcome in self._known(trials).items() if outcome.verdict == "passed"}
        todo = [trial for trial in trials if trial.name not in known]
        return known | self._try(todo, {trial.name: OVERHEAD + len(trial.tests) for trial in todo})

    def _try(self, mutants: Sequence[Mutant], expected: Mapping[str, float]) -> dict[str, Outcome]:
        found: dict[str, Outcome] = {}

        def done(mutant: Mutant, outcome: Outcome, left: float) -> None:
            self._record.add(mutant.name, self._keys.of(mutant), outcome)
            found[mutant.name] = outcome
            word = WORDS.get(outcome.verdict, outcome.verdict) if mutant.file else f"unbroken: {outcome.verdict}"
            place = f"{len(found):3}/{len(mutants)}"
            print(f"{place}  {left / 60:4.1f} min left  {outcome.seconds:5.1f} s  {word:9} {mutant.name}", flush=True)

        try_all(mutants, self._copies, expected, done, limit=self._limit)
        return found

    def _known(self, mutants: Sequence[Mutant]) -> dict[str, Outcome]:
        kept = {mutant.name: self._record.find(self._keys.of(mutant)) for mutant in mutants}
        return {name: outcome for name, outcome in kept.items() if outcome is not None}

    def _expected(self, mutant: Mutant, seconds: Mapping[str, float]) -> float:
        """How long a mutant took before; else as long as its tests take on the unbroken copy."""
        if (before := self._record.seconds(mutant.name)) is not None:
            return before
        return OVERHEAD + sum(spent for test, spent in seconds.items() if _is_one_of(test, mutant.tests))


def _whole(file: str, mutants: Sequence[Mutant]) -> Mutant:
    """A trial that breaks nothing: all tests of one file that some mutants name."""
    tests = {test for mutant in mutants for test in mutant.tests if test.partition("::")[0] == file}
    return Mutant(file, "", "", "", tuple(sorted(tests)))


def _is_one_of(test: str, asked: Sequence[str]) -> bool:
    return any(test == name or test.startswith((f"{name}[", f"{name}::")) for name in asked)


def _unusable(whole: Outcome) -> Outcome:
    """The outcome of a mutant whose tests did not all pass on the unbroken copy."""
    verdict = "fails unbroken" if whole.verdict == "failed" else whole.verdict
    return Outcome(verdict, 0.0, output=f"{whole.by}\n{whole.output}")


def table(outcomes: Mapping[str, Outcome]) -> str:
    """How many mutants have each verdict, then those that are not killed and why."""
    words = {name: WORDS.get(outcome.verdict, outcome.verdict) for name, outcome in outcomes.items()}
    lines = [f"{word:15} {count:4}" for word, count in Counter(words.values()).most_common()]
    for name, word in sorted(words.items(), key=lambda item: item[1]):
        if word != "killed":
            said = "" if word == "survived" else f"\n{outcomes[name].output.strip()}".replace("\n", "\n    ")
            lines.append(f"{word}: {name}{said}")
    return "\n".join(lines)


def main(arguments: Sequence[str], *, libraries: tuple[str, ...] = LIBRARIES + PLUGINS) -> int:
    """Try mutants; return the exit code."""
    parser = argparse.ArgumentParser(prog="mutants", description="Break each invariant once and see its tests fail.")
    parser.add_argument("words", nargs="*", metavar="WORD", help="take the mutants whose names contain one (all)")
    parser.add_argument("--jobs", type=int, choices=(1, 2), default=2, help="processes at a time (2)")
    parser.add_argument("--limit", type=float, default=180.0, metavar="SECONDS", help="of one trial (180)")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project")
    parser.add_argument("--record", type=Path, metavar="FILE", help="where verdicts are kept (build/mutants.jsonl)")
    asked = parser.parse_args(arguments)
    root: Path = asked.root.resolve()
    words: list[str] = asked.words
    mutants = [one for one in read_catalogue(root) if not words or any(word in one.name for word in words)]
    if not mutants:
        print(f"no mutant has {' or '.join(words)} in its name", file=sys.stderr)
        return 2
    record = Record(asked.record or root / "build" / "mutants.jsonl")
    with tempfile.TemporaryDirectory() as folder:
        copies = [copy_of(root, Path(folder) / f"copy-{number}") for number in range(asked.jobs)]
        prepare(libraries, Path(folder) / "bytecode")
        outcomes = Runner(record, copies, asked.limit).outcomes(mutants)
    print(table(outcomes))
    return int(any(outcome.verdict != "failed" for outcome in outcomes.values()))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("interrupted; the verdicts so far are kept, and the next run goes on from there")
