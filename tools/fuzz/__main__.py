"""`python -m tools.fuzz SECONDS`: every target in turn with atheris, then docs/fuzzing.md.

What breaks a reader is left in `build/fuzz/<target>/crash-...`. Fix the reader, then move the file to
`tests/fuzz/corpus/<target>/`: `make test` reads it from then on. `--one TARGET ARGUMENTS...` is one fuzzer,
`--seeds` writes the seeds again.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tools.checkout import ROOT, commit

CORPUS = ROOT / "tests" / "fuzz" / "corpus"
WORK = ROOT / "build" / "fuzz"
PAGE = ROOT / "docs" / "fuzzing.md"
SECONDS = 60
LONGEST_BYTES = 16_384
SLOWEST_S = 10
NUMBERS = {
    "runs": re.compile(r"stat::number_of_executed_units: (\d+)"),
    "edges": re.compile(r"cov: (\d+)"),
    "features": re.compile(r"ft: (\d+)"),
}


@dataclass(frozen=True, slots=True)
class Ran:
    """How a fuzzer went: what libFuzzer counted, and the inputs that broke the reader."""

    target: str
    counted: dict[str, int]
    kept: int
    found: tuple[str, ...]


def main(arguments: list[str]) -> int:
    """Run one fuzzer or all of them; status 1 if any reader broke."""
    if arguments[:1] == ["--one"]:
        return _fuzz(arguments[1], arguments[2:])
    if arguments[:1] == ["--seeds"]:
        from tools.fuzz import seeds  # not above: what atheris is to see must be read by atheris first

        seeds.write()
        return 0
    seconds = int(arguments[0]) if arguments else SECONDS
    ran = [_ran(name, seconds) for name in _names()]
    PAGE.write_text(page(ran, seconds), encoding="utf-8")
    return int(any(one.found for one in ran))


def page(ran: list[Ran], seconds: int) -> str:
    """The results as a page."""
    today, total = datetime.now(UTC).date(), sum(one.counted["runs"] for one in ran)
    rows = "\n".join(
        f"| {one.target} | {one.counted['runs']:,} | {one.counted['edges']:,} | {one.kept} "
        f"| {', '.join(one.found) or 'none'} |"
        for one in ran
    )
    return HEAD.format(today=today, commit=commit(), seconds=seconds, total=total) + rows + "\n"


HEAD = """# Fuzzing

Written by `make fuzz`; do not edit. Everything that reads bytes or text which others wrote is fuzzed with
[atheris](https://github.com/google/atheris), guided by the coverage of our own code. A target
(`tools/fuzz/targets.py`) breaks if a reader raises anything but its room's error, if that error is not
one line, or if what was taken is not written back as it came. The seeds and every input that ever broke a
reader stand in `tests/fuzz/corpus/`; `make test` reads them again without atheris.

Last run: {today}, at commit `{commit}`, {seconds} s for each target, {total:,} inputs in all. *Edges* is what
libFuzzer calls `cov`: branches of our code that were reached. *Inputs kept* each reached something new.

| target | inputs tried | edges | inputs kept | broke a reader |
| --- | ---: | ---: | ---: | --- |
"""


def _names() -> list[str]:
    return sorted(folder.name for folder in CORPUS.iterdir())


def _ran(name: str, seconds: int) -> Ran:
    folder = WORK / name
    folder.mkdir(parents=True, exist_ok=True)
    limits = (f"-max_total_time={seconds}", f"-max_len={LONGEST_BYTES}", f"-timeout={SLOWEST_S}")
    command = [sys.executable, "-m", "tools.fuzz", "--one", name, str(folder), str(CORPUS / name)]
    command += [*limits, "-print_final_stats=1", f"-artifact_prefix={folder}/"]
    # Our own words, and what libFuzzer says goes to a file beside the corpus it grows.
    with (folder.parent / f"{name}.log").open("w", encoding="utf-8", errors="replace") as log:
        subprocess.run(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, check=False)  # noqa: S603
    said = Path(log.name).read_text(encoding="utf-8", errors="replace")
    counted = {key: int((pattern.findall(said) or ["0"])[-1]) for key, pattern in NUMBERS.items()}
    if not counted["runs"]:
        sys.exit(f"{name}: read nothing; what the fuzzer said is in {log.name}")
    files = [file.name for file in folder.iterdir()]
    found = tuple(sorted(file for file in files if file.startswith(("crash-", "timeout-", "oom-"))))
    print(
        f"{name}: {counted['runs']:,} inputs, {counted['edges']:,} edges, {len(found)} broke it", flush=True
    )
    return Ran(name, counted, len(files) - len(found), found)


def _fuzz(name: str, arguments: list[str]) -> int:
    import atheris  # only where it is asked for

    with atheris.instrument_imports(include=["openitb"]):
        from tools.fuzz import targets  # instrumented as it is read
    atheris.Setup([sys.argv[0], *arguments], targets.TARGETS[name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
