"""Reporting: figures and the HTML pages made of them."""
