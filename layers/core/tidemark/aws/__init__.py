"""The adapters to AWS: the only place that knows botocore. One small module a table or service."""
