"""Programs that embed pictures with an exported file, each in a process of its own without Keras."""
