"""What holds for the blocks of every format, whatever the document."""

from collections.abc import Sequence

from dragoman.pipeline.block import Block


def texts(blocks: Sequence[Block]) -> list[str]:
    """The texts to be translated, with their spans marked as ⟨…⟩."""
    return [_marked(block) for block in blocks if block.text is not None]


def check_laws(document: str, blocks: Sequence[Block]) -> None:
    """Assert the laws that `block.py` states."""
    assert "".join(block.raw for block in blocks) == document
    for block in blocks:
        if block.text is None:
            assert not block.spans
            continue
        if block.offsets is not None:
            assert len(block.offsets) == len(block.text) + 1
            assert block.offsets[0] == 0
            assert block.offsets[-1] == len(block.raw)
            assert list(block.offsets) == sorted(block.offsets)
            assert block.source(0, len(block.text)) == block.raw
        _check_spans(block, block.text)


def _check_spans(block: Block, text: str) -> None:
    end = 0
    stack: list[int] = []
    seen: set[int] = set()
    for span in block.spans:
        assert end <= span.start < span.end <= len(text)
        end = span.end
        if span.role == "open":
            assert span.pair not in seen
            seen.add(span.pair)
            stack.append(span.pair)
        elif span.role == "close":
            assert stack.pop() == span.pair
    assert not stack


def _marked(block: Block) -> str:
    text, start, parts = block.text or "", 0, list[str]()
    for span in block.spans:
        parts += [text[start : span.start], "⟨", text[span.start : span.end], "⟩"]
        start = span.end
    return "".join([*parts, text[start:]])
