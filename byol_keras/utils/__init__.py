"""What knows neither pictures nor Keras models nor runs."""
