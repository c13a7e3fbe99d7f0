"""What this machine can do for edgeprune, and what is missing. Imports nothing heavy, never fails.

Packages are looked up without importing them, so the answer comes in a fraction of a second and
also where a package is broken or absent.
"""
