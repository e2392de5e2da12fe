"""The use cases, each over the ports of `tidemark.services.ports`."""
