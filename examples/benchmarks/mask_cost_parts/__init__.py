"""Parts of `mask_cost.py`."""
