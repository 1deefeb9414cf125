"""Mutation tests of what decides on a dose: `make mutation` writes docs/mutation.md."""
