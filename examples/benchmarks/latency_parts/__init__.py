"""Parts of `latency_budget.py`."""
