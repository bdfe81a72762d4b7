"""渝档 Yudang: from the deliveries of the districts to the published marts.

Not here: anything that runs; importing the package does nothing.
"""

__version__ = "0.1.0"
