"""CSV as bytes into rows: which line ends are the end of a row, and which stand inside quotes.

The rules are those of RFC 4180: a field that begins with a quote runs to the next quote that is not
doubled, across line ends; after it comes the delimiter or the end of the row. A quote anywhere else
in a field is a character like any other (``5" pipe``).

A quote that is never closed would swallow what follows. It is taken back as soon as the text
after a would-be closing quote is neither delimiter nor row end, or the row grows beyond the limit: then the
line that opened it is a row of its own, which the decoder rejects, and the lines after it are cut anew.
"""

from __future__ import annotations

import re
from collections import deque

_QUOTE = b'"'


class RowCutter:
    """Puts lines together to rows; keeps the lines of a row that is not complete yet."""

    def __init__(self, delimiter: str, limit: int) -> None:
        other = rb"[^\"%s]" % re.escape(delimiter.encode())
        sep = re.escape(delimiter.encode())
        inside = rb'(?:[^"]++|"")*+'
        bare = rb"%s[^%s]*+" % (other, sep)
        fields = rb'(?:(?:"%s"|%s|)%s)*+' % (inside, bare, sep)
        self._opens = re.compile(rb'%s"%s' % (fields, inside), re.DOTALL).fullmatch
        self._stays = re.compile(rb'%s(?:"%s%s"%s)?' % (inside, sep, fields, inside), re.DOTALL).fullmatch
        self._closes = re.compile(
            rb'%s"(?:%s%s(?:"%s"|%s|))?\r?' % (inside, sep, fields, inside, bare), re.DOTALL
        ).fullmatch
        self._limit = limit
        self._pending: list[bytes] = []
        self._held = 0

    @property
    def is_open(self) -> bool:
        """Whether the lines so far end inside quotes."""
        return bool(self._pending)

    def feed(self, lines: list[bytes]) -> list[bytes]:
        """The rows that these lines complete, in order; each line is in one row, once."""
        rows: list[bytes] = []
        todo = deque(lines)
        while todo:
            line = todo.popleft()
            if not self._pending:
                if _QUOTE in line and self._opens(line):
                    self._keep(line)
                else:
                    rows.append(line)
            elif _QUOTE not in line or self._stays(line):
                self._keep(line)
                if self._held > self._limit:
                    self._take_back(rows, todo)
            elif self._closes(line):
                self._keep(line)
                if self._held > self._limit:
                    self._take_back(rows, todo)
                else:
                    rows.append(b"\n".join(self._pending))
                    self._forget()
            else:
                self._keep(line)
                self._take_back(rows, todo)
        return rows

    def end(self) -> list[bytes]:
        """The rows of the lines that are left, when no more lines come."""
        rows: list[bytes] = []
        while self._pending:
            todo: deque[bytes] = deque()
            self._take_back(rows, todo)
            rows.extend(self.feed(list(todo)))
        return rows

    def torn(self) -> bytes:
        """What is left as one row that the end of the input has torn apart."""
        row = b"\n".join(self._pending)
        self._forget()
        return row

    def _keep(self, line: bytes) -> None:
        self._pending.append(line)
        self._held += len(line) + 1

    def _forget(self) -> None:
        self._pending = []
        self._held = 0

    def _take_back(self, rows: list[bytes], todo: deque[bytes]) -> None:
        rows.append(self._pending[0])
        todo.extendleft(reversed(self._pending[1:]))
        self._forget()
