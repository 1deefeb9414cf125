"""The doors between rooms: imports go downward only."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_imports_go_through_the_doors_only() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_lock_files_carry_hashes_and_no_index_address() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert not any(
            line.startswith(("-i", "--index", "--extra-index", "--find-links")) for line in text.splitlines()
        )
        assert "://" not in text
