"""What lies ahead of one patient, with a band from the spread between people."""
