"""Image classification: an encoder fine-tuned with a linear layer on it."""
