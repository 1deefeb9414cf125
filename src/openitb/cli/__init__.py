"""The `openitb` command: one file per verb, each loaded only when it is called."""
