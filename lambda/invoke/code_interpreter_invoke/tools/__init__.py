"""The tools: what each request does."""
