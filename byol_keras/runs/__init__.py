"""What lies in the folder of a training run, and how it is written and read back."""
