"""Brings models from the Hugging Face hub to a directory that the CTranslate2 engine can load."""
