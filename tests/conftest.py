"""What every test may use. It imports no loadstore: shape checks hook that import, and they start after this file."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # a test that reaches for the network is a mistake
