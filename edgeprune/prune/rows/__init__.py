"""Fewer rows for tables: frequent ids keep theirs, rare ones share."""
