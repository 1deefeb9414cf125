"""How well the twin does on simulated patients whose truth is known."""
