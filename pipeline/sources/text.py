"""The encoding of text: which byte sequences are line ends, and what to do where they are not."""

from __future__ import annotations

import codecs
import string
from contextlib import closing
from difflib import get_close_matches
from encodings.aliases import aliases

from pipeline.errors import ConfigurationError
from pipeline.sources.compression import Block, Blocks, BrokenStreamError

_BOM = codecs.BOM_UTF8
_WIDE_BOMS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def encoding_name(encoding: str) -> str:
    """The codec's canonical name (``utf-8`` for ``UTF8`` and ``utf-8-sig``)."""
    try:
        info = codecs.lookup(encoding)
        string.printable.encode(encoding)
    except (LookupError, TypeError) as exc:
        near = get_close_matches(str(encoding).lower(), sorted(aliases), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "give a name such as 'utf-8' or 'latin-1'"
        raise ConfigurationError(f"encoding={encoding!r} is not known; {hint}") from exc
    return "utf-8" if info.name == "utf-8-sig" else info.name


def is_line_safe(encoding: str) -> bool:
    """Whether ASCII characters, line ends first, are single bytes, so that records can be cut undecoded."""
    try:
        return string.printable.encode(encoding) == string.printable.encode("ascii")
    except UnicodeEncodeError:
        return False


def wide_bom(head: bytes) -> str | None:
    """The encoding that a byte order mark at the start of a file gives away, if it is not UTF-8."""
    return next((name for bom, name in _WIDE_BOMS.items() if head.startswith(bom)), None)


def plain_text(blocks: Blocks, encoding: str) -> Blocks:
    """The blocks as text whose line ends are single bytes, without a byte order mark.

    Line-safe encodings are left as they are, the others become UTF-8. A lone surrogate becomes
    bytes that are not UTF-8, so that it is its record that is rejected later, and no other.
    """
    return _without_bom(blocks if is_line_safe(encoding) else _transcoded(blocks, encoding))


def record_encoding(encoding: str) -> str:
    """The encoding of the records in what :func:`plain_text` gives."""
    return encoding if is_line_safe(encoding) else "utf-8"


def _transcoded(blocks: Blocks, encoding: str) -> Blocks:
    errors = "surrogatepass" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    position = 0
    try:
        with closing(blocks):
            for block in blocks:
                position = block.position
                text = decoder.decode(block.data)
                if text or not block.data:
                    yield Block(text.encode("utf-8", "surrogatepass"), position)
        rest = decoder.decode(b"", final=True)
    except UnicodeDecodeError as exc:
        raise BrokenStreamError(f"not valid {encoding.upper()} near byte {position:,}: {exc.reason}") from exc
    if rest:
        yield Block(rest.encode("utf-8", "surrogatepass"), position)


def _without_bom(blocks: Blocks) -> Blocks:
    head = b""
    position = 0
    with closing(blocks):
        for block in blocks:
            head += block.data
            position = block.position
            if len(head) < len(_BOM) and _BOM.startswith(head):
                # A first read this short cannot tell yet.
                if not block.data:
                    yield block
                continue
            break
        rest = head.removeprefix(_BOM)
        if rest:
            yield Block(rest, position)
        yield from blocks
