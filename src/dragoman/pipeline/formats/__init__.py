"""The document formats: each finds the human text of a document and leaves the rest alone."""
