"""One patient's truth under one clock: case files, the run from order to effect, its output."""
