"""How whole cohorts advance: reduced responses, adaptation and summaries, all people side by side."""
