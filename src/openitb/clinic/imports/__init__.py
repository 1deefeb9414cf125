"""Bringing in what other systems printed or exported: session reports of real pumps, row by row."""
