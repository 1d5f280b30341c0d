"""What shipped files say of themselves."""
