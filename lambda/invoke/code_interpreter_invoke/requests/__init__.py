"""The request and the response: parsing, validation and rendering for each kind of caller."""
