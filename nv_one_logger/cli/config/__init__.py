"""``one-logger config``: explains, checks, describes and begins the configuration of the exporters.

``checking`` finds mistakes, ``marking`` shows them in their lines, ``schema`` describes what a file may say,
``starting_file`` writes one to begin with, ``view`` shows mistakes and where values came from.
"""
