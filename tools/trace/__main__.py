"""Writes the pages, the export and the shorter list: `python -m tools.trace`."""

import json
import sys

from tools.trace import assurance, pages, ratchet, tables


def written(found: pages.Trace) -> dict[str, str]:
    """Every generated file by its path from the root of the project."""
    export = json.dumps({"claims": assurance.cases(found)}, indent=1, ensure_ascii=False) + "\n"
    return {
        "docs/requirements.md": pages.requirements_page(found),
        "docs/hazards.md": pages.hazards_page(found, assurance.told(found)),
        "docs/trace/assurance.json": export,
    }


def main() -> int:
    """Write everything; 1 if something lost its tests, which only a person may put on the list."""
    found = pages.trace()
    for name, text in written(found).items():
        (tables.ROOT / name).write_text(text, encoding="utf-8")
    now, listed = ratchet.lacking(found.tests), ratchet.read()
    ratchet.write(listed.common(now))
    lost = now.beyond(listed)
    for kind, ids in lost.items():
        print(f"{kind}: {', '.join(ids)}: lost what showed them, or new: add tests", file=sys.stderr)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
