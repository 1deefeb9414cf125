"""What is known of each patient: the person, the system, and what happened, never rewritten."""
