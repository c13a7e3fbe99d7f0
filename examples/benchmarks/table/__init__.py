"""The parts of methods_table.py: settings, rows, how they are run, and what is said of them."""
