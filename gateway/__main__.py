"""The console script `oxgate`, also `python -m gateway`."""

from gateway.cli.root import oxgate


def main() -> None:
    """Run the command line; leaves with exit code 0, 1 (it did not work) or 2 (it was asked for wrongly)."""
    oxgate(prog_name="oxgate")


if __name__ == "__main__":
    main()
