"""Other people's words, as data: what client libraries print when something fails, and what shows that it is another product's."""

from rtdiag.diagnosis.lexicon.client_lines import Fact, Line, facts_in, numbers_in, said
from rtdiag.diagnosis.lexicon.products import Product, is_ours, product_of, product_of_url

__all__ = ["Fact", "Line", "Product", "facts_in", "is_ours", "numbers_in", "product_of", "product_of_url", "said"]
