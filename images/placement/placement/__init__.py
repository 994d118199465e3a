"""A cell's placement: puts the organizations that live in the cell into its database.

It follows the directory by itself, with the router's own modules (`agent`), so that a router that
is taken over can't make its cell serve a stranger. It is on the path of no request: with it away
the cell serves whom it was given. Refuses to take anybody out of the database.
"""
