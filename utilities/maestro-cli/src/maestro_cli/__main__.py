"""`python -m maestro_cli` is the `maestro` command."""

from .cli import main

if __name__ == "__main__":
    main()
