"""The page that asks for labels, and its server."""
