"""Budgets in milliseconds and millijoules: tables, their cache, and checks on the target."""
