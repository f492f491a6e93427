"""Real programs on both sides of the server: converters and servers of large language models. Run by `make interop`."""
