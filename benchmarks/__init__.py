"""One script a claim: `python -m benchmarks.cost|fold|latency|imports|bootstrap`."""
