"""Lines of a Markdown document, with a cursor that counts columns, because a tab is as wide as its place makes it."""

import re
from collections.abc import Iterator

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_BLANKS = re.compile(r"[ \t]*")
_TAB = 4


class Line:
    """A line without its line break. `pos` is how far it is read, `first` the next character that is no blank."""

    __slots__ = ("_column", "_text", "end", "first", "indent", "pos")

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._column = 0
        self.pos = start
        self.end = end
        self._measure()

    def _measure(self) -> None:
        match = _BLANKS.match(self._text, self.pos, self.end)
        self.first = match.end() if match else self.pos
        self.indent = self.first - self.pos
        blanks = self._text[self.pos : self.first]
        if "\t" in blanks:
            offset = self._column % _TAB
            self.indent = len((" " * offset + blanks).expandtabs(_TAB)) - offset

    @property
    def blank(self) -> bool:
        """Whether nothing but blanks is left."""
        return self.first == self.end

    @property
    def content(self) -> tuple[int, int]:
        """Where the rest of the line is, without the blanks around it."""
        return self.first, self.first + len(self._text[self.first : self.end].rstrip(" \t"))

    def starts_with(self, mark: str) -> bool:
        """Whether the rest of the line begins with a mark, blanks aside."""
        return self._text.startswith(mark, self.first, self.end)

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Match the rest of the line, blanks aside."""
        return pattern.match(self._text, self.first, self.end)

    def skip_mark(self, length: int) -> None:
        """Go behind the blanks and a mark."""
        self._column += self.indent + length
        self.pos = self.first + length
        self._measure()

    def skip(self, columns: int) -> None:
        """Go on by as many columns of blanks, if there are; a tab may be read in part."""
        target = self._column + min(columns, self.indent)
        while self._column < target:
            width = _TAB - self._column % _TAB if self._text[self.pos] == "\t" else 1
            if self._column + width > target:
                self._column = target
                break
            self._column += width
            self.pos += 1
        self._measure()


def lines(text: str, start: int) -> Iterator[Line]:
    """The lines of a document from an offset on."""
    for match in _LINE.finditer(text, start):
        yield Line(text, match.start(), match.start() + len(match[0].rstrip("\r\n")))
