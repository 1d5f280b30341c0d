"""The commands of `byol-keras`, one per file: `add_to` adds its arguments, the heavy imports happen when it runs."""
