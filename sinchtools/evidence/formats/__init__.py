"""The formats of evidence, a module each."""
