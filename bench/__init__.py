"""Measures what an event costs: `make bench`."""
