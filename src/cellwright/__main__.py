"""`python -m cellwright` is the command line."""

import sys

from cellwright.cli.main import main

sys.exit(main())
