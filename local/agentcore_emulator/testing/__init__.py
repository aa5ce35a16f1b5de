"""Faults that a test can inject, and the requests that the emulator received."""
