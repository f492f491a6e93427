"""When a segment meets an engine: admission and batches."""
