"""What a property of a client's JSON schema is for, told by its name, its title or its description.

A wrong guess would put the translation where something else belongs, so prose counts only where a phrase of the tables
stands first: "The translated text" is the translation, "Notes on the translation" is not.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from dragoman.api.answer_schema import Shape, item_of, shapes_of, validator_of
from dragoman.core.errors import UnsupportedLanguage
from dragoman.core.languages import LANGUAGES, resolve

Role = Literal[
    "translation",
    "source",
    "source_lang",
    "target_lang",
    "confidence",
    "alternatives",
    "translations",
    "sources",
    "pairs",
]
_LANGUAGE_WORDS = ("language", "lang", "locale")
_SOURCE_SIDES = ("source", "src", "from", "original", "input", "detected", "detected source")
_TARGET_SIDES = ("target", "tgt", "to", "output", "translation", "translated")
_NAMES: dict[Role, str] = {
    "translation": (
        "translation, translated, translated text, translation text, translation result, translated content, "
        "translated message, translated sentence, translated version, target, target text, output, output text, "
        "result, answer, response, text, content"
    ),
    "source": (
        "source, source text, source content, source sentence, original, original text, original content, "
        "original sentence, original message, input, input text, text to translate, untranslated text"
    ),
    "source_lang": "from, language from, "
    + ", ".join(f"{side} {word}" for side in _SOURCE_SIDES for word in _LANGUAGE_WORDS),
    "target_lang": "to, language to, "
    + ", ".join(f"{side} {word}" for side in _TARGET_SIDES for word in _LANGUAGE_WORDS),
    "confidence": (
        "confidence, confidence score, confidence level, score, quality, quality score, translation quality, "
        "translation confidence, probability"
    ),
    "alternatives": (
        "alternatives, alternative translations, other translations, possible translations, variants, candidates"
    ),
    "translations": "translations, translated sentences, translated segments, sentences, segments, lines",
    "sources": (
        "sources, source sentences, source segments, source lines, source texts, "
        "originals, original sentences, original segments"
    ),
    "pairs": "pairs, sentence pairs, segment pairs, translation pairs, translated pairs",
}
# Names that do not say of which side. Beside another for the same of the translation they are of the source.
_SOURCE_BESIDE_A_CLEARER_NAME: dict[str, Role] = {
    "text": "source",
    "content": "source",
    "sentences": "sources",
    "segments": "sources",
    "lines": "sources",
}
# In prose these words say too little: "Target audience", "Source of the quote", "Text in its original language".
_ONLY_NAMES = frozenset(
    {"target", "output", "result", "answer", "response", "text", "content", "source", "original", "input", "from", "to"}
    | {"score", "quality", "sentences", "segments", "lines", "sources", "pairs", "translated"}
)
_ROLES_BY_NAME = {name: role for role, names in _NAMES.items() for name in names.split(", ")}
_ROLES_BY_PHRASE = {name: role for name, role in _ROLES_BY_NAME.items() if name not in _ONLY_NAMES}
_LONGEST_PHRASE_WORDS = max(len(phrase.split()) for phrase in _ROLES_BY_PHRASE)

# Keywords that nobody can promise to keep to, whatever the translation is.
_NOT_FOR_TEXT = ("enum", "const", "pattern", "format", "minLength", "maxLength")
_NOT_FOR_ARRAYS = ("enum", "uniqueItems", "contains", "prefixItems", "minItems")
_NOT_FOR_CONFIDENCE = ("enum", "multipleOf", "exclusiveMaximum")

# A value that names no language of ours costs half a millisecond. ISO 639-1 has some hundred of them.
_MOST_UNKNOWN_LANGUAGES = 200

# What the type of a property makes of its role: a `translation` that is an array has a string for each sentence.
_FITTING: dict[Shape, dict[Role, Role]] = {
    "string": {
        "translation": "translation",
        "source": "source",
        "source_lang": "source_lang",
        "target_lang": "target_lang",
    },
    "number": {"confidence": "confidence"},
    "strings": {
        "translation": "translations",
        "translations": "translations",
        "source": "sources",
        "sources": "sources",
        "alternatives": "alternatives",
    },
    "objects": {"translation": "pairs", "translations": "pairs", "pairs": "pairs"},
}

_LANGUAGE_NAMES = frozenset(word.lower() for language in LANGUAGES.values() for word in language.name.split())
_BEFORE_A_PHRASE = _LANGUAGE_NAMES | {
    *("a", "an", "the", "of", "user", "users", "s", "final", "full", "complete", "resulting", "list", "array"),
    *("name", "code", "iso", "639", "1", "bcp", "47", "two", "letter"),
}
_AFTER_A_PHRASE = frozenset(
    {"of", "in", "into", "from", "to", "for", "by", "with", "as", "at", "on", "is", "that", "which", "code", "name"}
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_CODE_OF_LANGUAGE = re.compile(rf"({'|'.join(_LANGUAGE_WORDS)}) (?:code|name)$")
_END_OF_CLAUSE = re.compile(r"[.,:;()\n]")


def words_of(text: str) -> list[str]:
    """The words of a name in any convention, or of prose, in lower case: `sourceLang` and `source-lang` have two."""
    return [word.lower() for word in _WORD.findall(text)]


def recognise(name: str, branch: Mapping[str, Any], *, parent: str, siblings: Collection[str]) -> Role | None:
    """The role of a property, if the type that a branch of its schema gives it fits one.

    The name counts first, with that of the object around it: `text` in `source` is the source text. Then title and
    description; they come before the name where they speak of a language: `source` may be "the source language".
    """
    meanings = [*_by_name(name, parent, siblings), *_by_prose(branch)]
    languages = [meaning for meaning in meanings if meaning in ("source_lang", "target_lang")]
    shapes = shapes_of(branch)
    for meaning in (*languages, *meanings):
        for shape in shapes:
            role = _FITTING[shape].get(meaning)
            if role is not None:
                return role
    return None


def problem_with(role: Role, branch: Mapping[str, Any]) -> str | None:
    """What a branch demands of the values of a role that nobody can promise before the translation.

    It is the end of a sentence that begins with the property. Languages are looked at one by one instead.
    """
    if role in ("source_lang", "target_lang"):
        return None
    if role == "confidence":
        in_range = branch.get("minimum", 0) <= 0 and branch.get("maximum", 1) == 1
        if not in_range or branch.get("exclusiveMinimum", -1) >= 0:
            return 'has another range than 0 to 1; set "minimum" to 0 and "maximum" to 1'
        return _keyword_in(branch, _NOT_FOR_CONFIDENCE)
    if role in ("translation", "source"):
        return _keyword_in(branch, _NOT_FOR_TEXT)
    not_for_array = _NOT_FOR_ARRAYS if role == "alternatives" else (*_NOT_FOR_ARRAYS, "maxItems")
    return _keyword_in(branch, not_for_array) or _keyword_in(item_of(branch), _NOT_FOR_TEXT)


def _keyword_in(branch: Mapping[str, Any], keywords: Sequence[str]) -> str | None:
    for keyword in keywords:
        if branch.get(keyword):
            return f'has "{keyword}", which no translation can promise; leave that keyword out'
    return None


def spellings_of(name: str, branch: Mapping[str, Any], param: str) -> dict[str, str]:
    """What a property for a language takes, by code: of an `enum` what means the language, or else the code itself.

    The English name stands for the code where name, title or description ask for a name, and where no code fits.
    Raises `InvalidRequest` with `param` if a pattern cannot be read.
    """
    if "enum" in branch:
        return _spellings_listed(branch["enum"])
    by_name = any("name" in words_of(text) for text in (name, *_prose_of(branch)))
    limits = validator_of({key: branch[key] for key in ("pattern", "minLength", "maxLength") if key in branch}, param)
    spellings = {}
    for code, language in LANGUAGES.items():
        wanted = (language.name, code) if by_name else (code, language.name)
        fitting = [spelling for spelling in wanted if limits.is_valid(spelling)]
        if fitting:
            spellings[code] = fitting[0]
    return spellings


def _spellings_listed(values: Sequence[object]) -> dict[str, str]:
    """Of several values for a language, like en-GB and en, the plain one if there is one, or else the first."""
    spellings: dict[str, str] = {}
    unknown = 0
    for value in values:
        if not isinstance(value, str) or unknown == _MOST_UNKNOWN_LANGUAGES:
            continue
        try:
            language = resolve(value)
        except UnsupportedLanguage:
            unknown += 1
            continue
        if language.code not in spellings or value.lower() in (language.code, language.name.lower()):
            spellings[language.code] = value
    return spellings


def _by_name(name: str, parent: str, siblings: Collection[str]) -> Iterator[Role]:
    phrase = _phrase(name)
    for each in (f"{_phrase(parent)} {phrase}", phrase):
        if each in _SOURCE_BESIDE_A_CLEARER_NAME and _has_clearer_name(_ROLES_BY_NAME[each], siblings):
            yield _SOURCE_BESIDE_A_CLEARER_NAME[each]
        if each in _ROLES_BY_NAME:
            yield _ROLES_BY_NAME[each]


def _phrase(name: str) -> str:
    """The words of a name; `source_language_code` has the same as `source_language`."""
    return _CODE_OF_LANGUAGE.sub(r"\1", " ".join(words_of(name)))


def _has_clearer_name(role: Role, names: Iterable[str]) -> bool:
    phrases = {_phrase(name) for name in names}.difference(_SOURCE_BESIDE_A_CLEARER_NAME)
    return any(_ROLES_BY_NAME.get(phrase) == role for phrase in phrases)


def _prose_of(schema: Mapping[str, Any]) -> list[str]:
    return [text for key in ("title", "description") if isinstance(text := schema.get(key), str)]


def _by_prose(schema: Mapping[str, Any]) -> Iterator[Role]:
    for text in _prose_of(schema):
        words = words_of(_END_OF_CLAUSE.split(text, maxsplit=1)[0])
        while words and words[0] in _BEFORE_A_PHRASE:
            del words[0]
        role = _first_phrase(words) or _side_of_language(words)
        if role is not None:
            yield role


def _first_phrase(words: Sequence[str]) -> Role | None:
    """The role of the longest phrase that words begin with, unless it goes on as another thing: "translation notes"."""
    for size in range(_LONGEST_PHRASE_WORDS, 0, -1):
        role = _ROLES_BY_PHRASE.get(" ".join(words[:size]))
        if role is not None and (len(words) <= size or words[size] in _AFTER_A_PHRASE):
            return role
    return None


def _side_of_language(words: Sequence[str]) -> Role | None:
    """Of "language of the original text", the side; none if it names both or neither."""
    if not words or words[0] not in _LANGUAGE_WORDS:
        return None
    source = not {"source", "original", "input", "detected", "from"}.isdisjoint(words)
    target = not {"target", "output", "translation", "translated", "into", "to"}.isdisjoint(words)
    if source == target:
        return None
    return "source_lang" if source else "target_lang"
