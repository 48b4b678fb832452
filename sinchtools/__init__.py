"""Troubleshooting for the Sinch SMS REST API: from a pasted failing request to a proven fix."""
