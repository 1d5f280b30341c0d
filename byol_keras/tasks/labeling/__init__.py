"""Few labels in practice: which images to label next, the labels saved, a linear head trained on them."""
