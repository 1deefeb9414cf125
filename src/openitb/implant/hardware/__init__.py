"""What is true of an implant, whatever its firmware believes."""
