"""The demo app of a cell: notes of organizations, over HTTP, kept in the cell's Postgres.

It serves what the cell's router sends and nothing else: it finds no organization by itself, and it
refuses requests for organizations that its cell does not hold.
"""
