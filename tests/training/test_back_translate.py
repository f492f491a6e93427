"""Which English is translated back."""

import gzip
from pathlib import Path

from back_translate import untranslated


def test_only_everyday_english_that_the_language_lacks(tmp_path: Path) -> None:
    """Each sentence once, and none of a development set."""
    lines = {
        ("tatoeba", "zh"): ["猫睡了。\tThe cat sleeps."],
        ("tatoeba", "es"): [
            "El gato duerme.\tThe cat sleeps.",
            "El perro duerme.\tThe dog sleeps.",
            "Ya llueve.\tIt rains.",
        ],
        ("tatoeba", "fr"): ["Le chien dort.\tThe dog sleeps!"],
        ("php-docs", "fr"): ["Le code est faux.\tThe code is wrong."],
    }
    for (corpus, language), pairs in lines.items():
        path = tmp_path / "train" / corpus / f"{language}-en.tsv.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress("\n".join(pairs).encode()))
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "tatoeba.de-en.tsv").write_text("Es regnet.\tIt rains.\n", "utf-8")
    assert untranslated(tmp_path, "zh", ["es", "fr"]) == ["The dog sleeps."]
