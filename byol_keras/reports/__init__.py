"""Results and pictures as HTML pages and charts."""
