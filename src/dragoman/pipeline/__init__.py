"""From a document to segments and back: detect, segment, translate, cut."""
