"""The documentation site, and the script that generates its reference pages (``python -m docs.generate``)."""
