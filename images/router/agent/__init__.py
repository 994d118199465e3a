"""The router's agent: keeps HAProxy's maps equal to the directory.

It lives beside HAProxy and is not on the path of any request: with the agent away HAProxy goes
on with the table that it has, and with the API server away both do. `relay` is no part of it: it
runs in HAProxy's container.
"""
