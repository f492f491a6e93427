"""The way of models from the hub to the server."""
