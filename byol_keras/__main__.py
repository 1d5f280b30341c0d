"""`python -m byol_keras`, the same as the command `byol-keras`."""

import sys

from .cli.main import program

if __name__ == "__main__":
    sys.exit(program())
