"""The files that ship."""
