"""What runs Tidemark on one machine: the local AWS, its orchestration, sample data. Nothing here is deployed."""
