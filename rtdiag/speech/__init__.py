"""Speech to be heard by: a clip with known offsets, read (`clip.py`), and what a session made of it (`heard.py`).

The clip that ships is `clip.opus`, with its text and true offsets in `clip.yaml`; `python -m rtdiag.speech.make` makes both anew.
"""
