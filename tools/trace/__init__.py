"""Which code holds a requirement or a hazard, which tests show it, and how they went when last run.

`python -m tools.trace` (or `make requirements`) writes `docs/requirements.md`, `docs/hazards.md` and
`docs/trace/assurance.json` from the tables in `docs/trace/`, the `Holds:` lines of `src/` and the marks of
`tests/`.
"""
