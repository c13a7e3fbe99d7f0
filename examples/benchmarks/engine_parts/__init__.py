"""Parts of engines.py."""
