"""Images of any channels and depth in files: .npy, TIFF, DICOM, and PNG in all of its 16 bits."""
