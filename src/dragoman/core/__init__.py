"""Types, errors, languages and the engine contract. Imports only the standard library."""
