"""`python -m tidemark_cli` is `tidemark`."""

from tidemark_cli.main import app

if __name__ == "__main__":
    app(prog_name="tidemark")
