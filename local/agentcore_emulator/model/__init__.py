"""The shapes and errors of the API, from the published service models."""
