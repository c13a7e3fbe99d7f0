"""`python -m edgeprune`, which is also how torchrun starts it."""

from edgeprune.cli.main import run

if __name__ == "__main__":
    run()
