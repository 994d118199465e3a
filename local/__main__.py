"""`python3 -m local <step>`: refuses an old Python in words, then hands over to `cli`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this is what finds out
    sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0])

from local.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
