"""The path of the therapy: stages and steps as data, and pages that say what is done and what is next."""
