"""Whether they give what Keras gives."""
