"""cellwright: declare cells and organizations, check them, render them, route to them."""

__version__ = "0.1.0"
