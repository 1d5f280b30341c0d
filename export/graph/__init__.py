"""What becomes of the network in them."""
