"""The independent proof: what the documents say, counted once more in batch, and nasty streams to count.

Written from EVENTS.md and KPI_CATALOGUE.md alone. Nothing in here imports the product's own packages.
"""
