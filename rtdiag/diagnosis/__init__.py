"""From findings to causes: the catalogue of causes as data, and the verdict drawn from it."""
