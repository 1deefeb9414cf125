"""OpenITB: intrathecal-baclofen therapy in software, from the order to its effect.

Not a medical device. See README.md and docs/design.md.
"""

__version__ = "0.1.0"
