"""OpenITB: intrathecal-baclofen therapy in software, from the order to its effect.

Not a medical device. See README.md and docs/design.md.
"""

import os

# Before NumPy loads: one person's matrices are too small to gain from BLAS threads, which spin against
# each other where cores are shared and then take twenty times as long. Whoever set it keeps it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
