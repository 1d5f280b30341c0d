"""What encoders are for, a folder each."""
