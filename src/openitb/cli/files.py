"""Files that options name: whether they can be read or written is found out first, and told by the option."""

import errno
import os
from pathlib import Path

from openitb.cli.options import OptionError


def read_text(path: Path, field: str) -> str:
    """The text of the file that an option names; `OptionError` for anything that cannot be read as text."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise _refused(field, path, "a file that can be read", error) from None
    except UnicodeDecodeError:
        raise OptionError(f"{field}: got {str(path)!r}, expected a text file, not other bytes") from None


def require_writable(path: Path | None, field: str) -> None:
    """`OptionError` unless a file can be put there: before the work that it is to tell of, not after."""
    if path is None:
        return
    for holds, problem in (
        (not path.is_dir() and path.name, errno.EISDIR),
        (path.parent.is_dir(), errno.ENOENT),
        (os.access(path if path.exists() else path.parent, os.W_OK), errno.EACCES),
    ):
        if not holds:
            raise _refused(field, path, "a file that can be written", OSError(problem, os.strerror(problem)))


def require_folder(path: Path, field: str) -> Path:
    """The folder that an option names; `OptionError` where there is none."""
    if not path.is_dir():
        raise OptionError(f"{field}: got {str(path)!r}, expected a folder that exists")
    return path


def _refused(field: str, path: Path, expected: str, error: OSError) -> OptionError:
    return OptionError(f"{field}: got {str(path)!r} ({error.strerror}), expected {expected}")
