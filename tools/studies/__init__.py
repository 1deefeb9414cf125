"""The page of shipped studies, from real runs of them."""
