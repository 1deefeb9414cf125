"""Sheets: pages of the record that are filled, checked, corrected, signed and printed, each kind as data."""
