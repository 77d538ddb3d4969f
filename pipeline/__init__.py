"""From a URL to a voice dataset, and the command line."""
