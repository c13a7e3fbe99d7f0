"""Figures of report.html, as SVG that takes its colours from the page. Needs matplotlib."""
