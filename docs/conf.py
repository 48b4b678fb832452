"""The site of `make docs`: the pages of this folder and the reference of the public names."""

from sinchtools.core import settings

project = "sinchtools"
author = "The sinchtools maintainers"
release = settings.version()
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "index"
exclude_patterns = ["site"]
html_theme = "alabaster"
html_theme_options = {"description": "Troubleshooting for the Sinch SMS REST API"}
html_show_sourcelink = False
myst_heading_anchors = 3
napoleon_google_docstring = False
autodoc_typehints = "none"  # the docstring says it in words
autodoc_member_order = "bysource"
