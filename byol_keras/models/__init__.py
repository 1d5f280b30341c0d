"""Networks, and ways from one to another."""
