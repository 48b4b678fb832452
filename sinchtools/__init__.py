"""Troubleshooting for the Sinch SMS REST API: from a pasted failing request to a proven fix."""

__version__ = "0.1.0"
