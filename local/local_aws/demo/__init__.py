"""The demo: deploy the app into a local AWS, use it, and destroy it."""
