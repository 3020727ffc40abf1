"""Finds out why a machine-learning model does not learn.

Importing the package costs milliseconds: PyTorch is imported only where tensors are measured.
"""
from ._core import __version__

__all__ = ["__version__"]
