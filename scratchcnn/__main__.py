"""``python -m scratchcnn`` lists the commands and runs them; so does ``scratchcnn``, where the package is installed."""

import sys

from .commands.command_line import main

if __name__ == "__main__":
    sys.exit(main())
