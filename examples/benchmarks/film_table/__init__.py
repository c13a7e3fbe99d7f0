"""Parts of `movies_table.py`."""
