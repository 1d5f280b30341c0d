"""Embedding a lake of images with Apache Beam: `python -m byol_keras.export.beam`."""
