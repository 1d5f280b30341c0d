"""Verification: whether two images show the same thing, such as one person."""
