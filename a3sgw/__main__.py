"""``python -m a3sgw``."""

import sys

from a3sgw.cli import main

if __name__ == "__main__":
    sys.exit(main())
