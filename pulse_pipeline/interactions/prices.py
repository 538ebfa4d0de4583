"""A price out of what upstream calls one."""

import polars as pl

_PRICE = r"^\s*(?:US)?\$?\s*(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)\s*$"


def parse_price(price: pl.Expr) -> pl.Expr:
    """Read a price such as `$1,299.00` or `12.5`.

    Args:
        price: Text or numbers.

    Returns:
        The price in dollars; null for a range (it is no one price) and for scraped markup.
    """
    digits = price.cast(pl.String).str.extract(_PRICE, 1).str.replace_all(",", "", literal=True)
    return digits.cast(pl.Float32, strict=False)
