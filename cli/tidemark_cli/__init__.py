"""The operator's command line of Tidemark; nothing of it ships to Lambda."""

__version__ = "0.1.0"
