"""What an implant believes and does: it sees strokes, its own clock and commands, never the truth."""
