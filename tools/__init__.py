"""Make the traffic and the tables that tests, samples and documents need."""
