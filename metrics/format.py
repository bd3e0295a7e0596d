"""Numbers and text as people read them in reports."""

from __future__ import annotations

NOT_KNOWN = "n/a"


def count(value: int | None) -> str:
    """``1,000``."""
    return NOT_KNOWN if value is None else f"{value:,}"


def number(value: float) -> str:
    """At most three decimals, no trailing zeros, thousands apart."""
    text = f"{value:,.3f}".rstrip("0").rstrip(".")
    return text if text != "-0" else "0"


def rate(value: float) -> str:
    """Records per second: ``16.7``, from a thousand on ``12,345``."""
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def percent(share: float | None, decimals: int = 1) -> str:
    """A share in percent; one that is above 0 never reads 0, and only a whole one reads 100."""
    if share is None:
        return NOT_KNOWN
    smallest = 10**-decimals
    value = share * 100
    if 0 < value < smallest / 2:
        return f"<{smallest:g}%"
    if 100 - smallest / 2 <= value < 100:
        return f">{100 - smallest:g}%"
    return f"{value:.{decimals}f}%"


def millis(value: float | None) -> str:
    """A time given in milliseconds: ``0.45ms``, ``45ms``, ``1.2s``."""
    if value is None:
        return NOT_KNOWN
    if value >= 999.5:
        return seconds(value / 1000)
    if value >= 9.95:
        return f"{value:.0f}ms"
    return f"{value:.1f}ms" if value >= 0.95 or value == 0 else f"{value:.2g}ms"


def seconds(value: float) -> str:
    """A duration: ``0.34s``, ``12.3s``, ``60s``, ``5m 12s``, ``2h 03m``."""
    if value < 0.995:
        return f"{value:.2g}s"
    if value < 19.95:
        return f"{value:.1f}s"
    whole = round(value)
    if whole < 120:
        return f"{whole}s"
    minutes, second = divmod(whole, 60)
    return f"{minutes}m {second:02}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02}m"


def size(value: float | None) -> str:
    """Bytes, in decimal units: ``45 MB``, ``1.2 GB``."""
    if value is None:
        return NOT_KNOWN
    sign, left = ("-", -value) if value < 0 else ("", value)
    for unit in ("B", "KB", "MB", "GB"):
        if left < 999.5:
            return f"{sign}{left:.0f} {unit}" if left >= 9.95 or unit == "B" else f"{sign}{left:.1f} {unit}"
        left /= 1000
    return f"{sign}{left:.1f} TB"


def plural(value: int, noun: str) -> str:
    """``1 record``, ``2 records``."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def titled(stage: str) -> str:
    """A stage's name for display: its first letter is a capital."""
    return stage[:1].upper() + stage[1:]


def printable(text: str, *, ascii: bool = False) -> str:
    """The text on one line, with everything that does not print written as an escape.

    Names and messages come from the watched pipeline and its data: they may hold control
    characters, terminal sequences, or characters that turn the direction of the text.
    """
    if ascii and not text.isascii():
        text = text.encode("ascii", "backslashreplace").decode("ascii")
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )
