"""What evidence is wrapped in, one module for each kind."""
