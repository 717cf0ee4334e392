"""`python -m spinelink`."""

from __future__ import annotations

import sys

from spinelink.cli import main

if __name__ == "__main__":
    sys.exit(main())
