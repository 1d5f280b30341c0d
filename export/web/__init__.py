"""A page that runs an exported encoder in a browser."""
