"""The parts of coverage.py: what one tool does to one model, in a process of its own."""
