"""The web application of a clinic: people, record, desk. It stores and shows; the core decides."""
