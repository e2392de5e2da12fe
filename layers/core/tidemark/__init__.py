"""Tidemark: live analytics inside a product, serverless on AWS."""
