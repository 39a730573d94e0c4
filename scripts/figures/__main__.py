"""Run as `python scripts/figures`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The folder of this file stands first on the path, and its modules would hide others of the same name.
    sys.path[0] = str(Path(__file__).resolve().parent.parent.parent)
    from scripts.figures.command import main

    sys.exit(main())
