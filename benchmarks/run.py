"""Runs every benchmark beside this file, one after another, and prints what each prints.

Ends with status 1 if one of them fails. Run: make bench, or python benchmarks/run.py [name ...]
"""

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy
import scipy

HERE = Path(__file__).resolve().parent


def scripts(names: list[str]) -> list[Path]:
    """Those named, or all but this one, by name."""
    known = {path.stem: path for path in sorted(HERE.glob("*.py")) if path != Path(__file__).resolve()}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"benchmark: got {unknown[0]!r}, expected one of {', '.join(known)}")
    return [known[name] for name in names] if names else list(known.values())


def machine() -> str:
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    return (
        f"{len(os.sched_getaffinity(0))} cores ({processor()}), {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, NumPy {numpy.__version__}, SciPy {scipy.__version__}, "
        f"load {load}"
    )


def processor() -> str:
    """The processor's name as the system tells it."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def ran(script: Path) -> bool:
    """Run one benchmark; its output goes where ours goes."""
    print(f"\n== {script.stem}", flush=True)
    start = time.perf_counter()
    status = subprocess.run([sys.executable, str(script)], check=False).returncode  # noqa: S603 - our own files
    told = "" if status == 0 else f"FAILED with status {status}, "
    print(f"-- {told}{time.perf_counter() - start:.1f} s in all", flush=True)
    return status == 0


def main() -> None:
    chosen = scripts(sys.argv[1:])
    print(machine(), flush=True)
    failed = [script.stem for script in chosen if not ran(script)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
