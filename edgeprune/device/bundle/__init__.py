"""What is carried to a board: models, references to check them by, and how to feed them."""
