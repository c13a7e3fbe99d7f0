"""A deploy, as the terminal and a page show it."""
