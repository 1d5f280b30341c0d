"""What knows neither images nor Keras models nor runs."""
