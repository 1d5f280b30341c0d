"""Results and images as HTML pages and charts."""
