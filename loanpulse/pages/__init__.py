"""Pages about KPIs for those who read the figures: what each one means, with a small number worked out by the engine."""
