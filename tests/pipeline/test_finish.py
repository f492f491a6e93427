"""A translation that fails the checks is tried again, and what cannot be mended is said."""

import pytest

from dragoman.core.answer import SegmentWarning
from dragoman.core.errors import UpstreamFailed
from dragoman.core.types import Decoding, Example, Pair, Term
from dragoman.pipeline.prepare import Guidance
from tests.fakes import RecordingEngine, ScriptedEngine
from tests.pipeline.test_pipeline import run, text_of

pytestmark = pytest.mark.anyio

EN_FR = Pair("en", "fr")
LOOP = "la la la la la la"
SENTENCE = "One long sentence, and here is its other half."


async def test_loop_is_decoded_again_with_care() -> None:
    """With a wider beam and a penalty on repetition; what then is right is the answer."""
    engine = ScriptedEngine(lambda _, decoding: "Une longue phrase." if decoding.beam_size == 8 else LOOP)

    pieces, outcome = await run(engine, SENTENCE, EN_FR)

    assert text_of(pieces) == "Une longue phrase."
    assert outcome.reports[0].warnings == ()
    assert [batch.decoding.repetition_penalty for batch in engine.batches] == [1.0, 1.2]


async def test_what_still_fails_is_tried_in_halves() -> None:
    """Parted at the comma, and joined again."""
    halves = {"One long sentence,": "Une longue phrase,", "and here is its other half.": "et voici sa moitié."}
    engine = ScriptedEngine(lambda text, _: halves.get(text.strip(), LOOP))

    pieces, outcome = await run(engine, SENTENCE, EN_FR)

    assert text_of(pieces) == "Une longue phrase, et voici sa moitié."
    assert outcome.reports[0].warnings == ()


async def test_what_nothing_mends_is_given_with_a_warning() -> None:
    """The best attempt, for the segment that it concerns."""
    engine = ScriptedEngine(lambda text, _: LOOP if "loop" in text else "Bonjour à tous.")

    pieces, outcome = await run(engine, "Hello to all. This is a loop for ever.", EN_FR)

    assert text_of(pieces) == f"Bonjour à tous. {LOOP}"
    assert outcome.reports[0].warnings == (SegmentWarning("repetition", 1),)


async def test_an_echo_in_halves_is_an_echo() -> None:
    """However the halves are joined, the sentence came back as it was."""
    engine = ScriptedEngine(lambda text, _: text.strip())

    pieces, outcome = await run(engine, SENTENCE, EN_FR)

    assert text_of(pieces) == SENTENCE
    assert outcome.reports[0].warnings == (SegmentWarning("echo", 0),)


async def test_a_repair_that_fails_leaves_what_there_was() -> None:
    """With its warning: the server behind an engine may be gone by then."""

    def translate(_: str, decoding: Decoding) -> str:
        if decoding.beam_size == 8:
            raise UpstreamFailed("gone")
        return LOOP

    pieces, outcome = await run(ScriptedEngine(translate), SENTENCE, EN_FR)

    assert text_of(pieces) == LOOP
    assert outcome.reports[0].warnings == (SegmentWarning("repetition", 0),)


async def test_streamed_segment_is_checked_but_not_repaired() -> None:
    """Its tokens are with the client already."""
    engine = ScriptedEngine(lambda _, __: LOOP)

    pieces, outcome = await run(engine, SENTENCE, EN_FR, stream_tokens=True)

    assert text_of(pieces) == LOOP
    assert outcome.reports[0].warnings == (SegmentWarning("repetition", 0),)
    assert len(engine.batches) == 1


async def test_term_without_a_place_is_asked_for_in_the_search() -> None:
    """Where the engine can; then it is where the model wants it."""

    def script(_: str, decoding: Decoding) -> str:
        return "Il aime le matou noir." if decoding.must_include_terms else "Il aime beaucoup."

    terms = Guidance(terms=(Term("cat", "matou"),))

    constrained, said = await run(
        ScriptedEngine(script, abilities=["constraints"]), "He likes cats.", EN_FR, guidance=terms
    )
    forced, told = await run(ScriptedEngine(script), "He likes cats.", EN_FR, guidance=terms)

    assert text_of(constrained) == "Il aime le matou noir."
    assert said.reports[0].warnings == ()
    assert text_of(forced) == "Il aime matou beaucoup."
    assert told.reports[0].warnings == (SegmentWarning("term_moved", 0),)
    assert told.reports[0].terms_applied == said.reports[0].terms_applied == terms.terms


async def test_memory_answers_without_the_engine_and_its_terms_are_checked() -> None:
    """An exact match is stronger than a term; the report says that the term is missing."""
    engine = RecordingEngine()
    guidance = Guidance((Term("cat", "matou"),), (Example("the cat sleeps", "le chat dort"),))

    pieces, outcome = await run(engine, "The cat sleeps. Good night.", EN_FR, guidance=guidance)

    assert text_of(pieces) == "le chat dort. fr:Good night."
    assert engine.texts == [["Good night."]]
    [report] = outcome.reports
    assert report.terms_missing == guidance.terms
    assert [(hit.segment, hit.kind) for hit in report.memory] == [(0, "adapted")]
    assert report.warnings == (SegmentWarning("term_missing", 0),)


async def test_examples_and_domains_go_to_engines_that_take_them() -> None:
    """To no others, which are told apart in the report."""
    guidance = Guidance(memory=(Example("the red cat", "le chat roux"),), domains="Pets.")
    able = ScriptedEngine(lambda _, __: "le chat gris", abilities=["examples", "domains"])

    _, outcome = await run(able, "the gray cat", EN_FR, guidance=guidance)
    _, other = await run(RecordingEngine(), "the gray cat", EN_FR, guidance=guidance)

    [segment] = able.batches[0].segments
    assert (segment.examples, segment.domains) == (guidance.memory, "Pets.")
    assert [hit.kind for hit in outcome.reports[0].memory] == ["example"]
    assert outcome.reports[0].warnings == ()
    assert other.reports[0].memory == ()
    assert other.reports[0].warnings == (SegmentWarning("domains_ignored"),)


async def test_every_choice_is_checked() -> None:
    """Each has a report of its own."""
    _, outcome = await run(ScriptedEngine(lambda _, __: LOOP), SENTENCE, EN_FR, choices=2)

    assert [report.warnings for report in outcome.reports] == [(SegmentWarning("repetition", 0),)] * 2


async def test_failure_of_a_repair_is_the_failure_of_the_answer() -> None:
    """Nothing hangs, and what came before it is given."""

    def script(text: str, decoding: Decoding) -> str:
        if decoding.beam_size == 8:
            raise RuntimeError("secret of the engine room")
        return LOOP if "loop" in text else "Bonjour à tous."

    with pytest.raises(RuntimeError, match="secret"):
        await run(ScriptedEngine(script), "Hello to all. This is a loop for ever. Another loop is here now.", EN_FR)


async def test_repairs_are_limited() -> None:
    """A document of nothing but failures costs little more than one of none."""
    engine = ScriptedEngine(lambda _, __: LOOP)

    _, outcome = await run(engine, "This is a loop for ever.\n" * 100, EN_FR)

    careful = sum(len(batch.segments) for batch in engine.batches if batch.decoding.beam_size == 8)
    assert careful <= 3 * (8 + 10)
    assert len(outcome.reports[0].warnings) == 100
