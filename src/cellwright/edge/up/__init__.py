"""What `cellwright up` does to the world: reads what is there, previews, applies, verifies."""
