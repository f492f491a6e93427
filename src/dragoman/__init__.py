"""Dragoman: a self-hosted translation server that speaks the Qwen-MT / OpenAI chat API."""

__version__ = "0.1.0"
