"""``python -m ddsnap`` is the console script ``ddsnap``."""

import sys

from ddsnap.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
