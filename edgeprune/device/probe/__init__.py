"""What a board is, what runs on it, and how much of it is free."""
