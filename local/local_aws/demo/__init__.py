"""The demo: deploys the app into a local AWS, uses it, and takes it down again."""
