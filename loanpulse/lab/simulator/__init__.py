"""A believable lender for demos, tests and benchmarks: pure, seeded, without a clock of its own."""
