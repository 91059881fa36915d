"""The API's contract as data, each fact with its source: endpoints, models, dialects, session shapes.

Nothing here talks to a network or knows a check; checks, emulator and diagnosis all read it.
"""
