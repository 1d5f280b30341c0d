"""`python -m byol_keras.export.device` prints where the file for the device lies, to copy it from there."""

from pathlib import Path

if __name__ == "__main__":
    print(Path(__file__).with_name("byol_device.py"))
