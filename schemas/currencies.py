"""How many digits the minor unit of a currency is: ISO 4217's exponents."""

_NONE = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())  # noqa: SIM905  # one line of codes
_THREE = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905  # likewise


def decimals_of(currency: str) -> int:
    """0 for JPY, 3 for KWD, 2 for most and for what is no currency."""
    return 0 if currency in _NONE else 3 if currency in _THREE else 2
