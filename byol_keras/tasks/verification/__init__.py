"""Verification: whether two pictures show the same thing, such as one person."""
