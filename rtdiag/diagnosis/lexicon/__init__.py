"""Other people's words: the failure lines that client libraries print (client_lines.yaml, errnos.yaml), each with what it means."""

from rtdiag.diagnosis.lexicon.client_lines import Fact, Line, facts_in, numbers_in, said

__all__ = ["Fact", "Line", "facts_in", "numbers_in", "said"]
