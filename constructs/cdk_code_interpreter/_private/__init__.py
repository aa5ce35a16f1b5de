"""The parts of the library that are not its public API."""
