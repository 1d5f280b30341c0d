"""Programs that embed images with an exported file, each in a process of its own without Keras."""
