"""The wire: routes, headers, bodies, event streams and errors."""
