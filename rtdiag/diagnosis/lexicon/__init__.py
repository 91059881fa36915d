"""Other people's words, as data: what client libraries print, what shows another product, what people say in other languages."""

from rtdiag.diagnosis.lexicon.client_lines import Fact, Line, facts_in, numbers_in, said
from rtdiag.diagnosis.lexicon.glosses import glossed
from rtdiag.diagnosis.lexicon.products import Product, is_ours, product_of, product_of_url

__all__ = [
    "Fact",
    "Line",
    "Product",
    "facts_in",
    "glossed",
    "is_ours",
    "numbers_in",
    "product_of",
    "product_of_url",
    "said",
]
