"""Everything that may run on the board: runners, measurement, sensors.

Python 3.8 syntax, the standard library and numpy only; imports nothing else of edgeprune.
"""
