"""The parts of the library that no app imports; they can change in every release."""
