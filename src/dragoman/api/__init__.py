"""The HTTP dialects: parse a request, render an answer. No translation logic."""
