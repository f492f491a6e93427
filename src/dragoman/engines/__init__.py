"""What translates segments. Each engine implements `dragoman.core.engine.Engine`."""
