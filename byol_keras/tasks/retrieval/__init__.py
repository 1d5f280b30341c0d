"""Images by their neighbors: an index of a source, near duplicates in it, and scores of what is found."""
