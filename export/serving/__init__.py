"""What a server needs around a SavedModel: warm-up requests, configuration, clients."""
