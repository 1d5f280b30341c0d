"""For the device: `byol_device.py`, one file to copy. It imports nothing of this package."""
