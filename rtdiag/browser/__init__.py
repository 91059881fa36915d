"""The half of the way that a command line cannot see: a page on loopback that asks in the user's own browser.

`page/` is what the browser gets, `account.py` what it tells. The script `page/watch.js` writes that down, in rtdiag's own page and
in a page of the user's alike.
"""
