"""The way there, measured layer by layer below the first request: names, connections, proxies, TLS, STUN and TURN.

It judges nothing and never raises for what a network does; what it measured are plain values (way.py) that a report can hold.
"""
