"""How quickly they run."""
