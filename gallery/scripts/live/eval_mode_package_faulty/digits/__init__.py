from .data import load
from .engine import Engine
from .network import DigitNet

__all__ = ["DigitNet", "Engine", "load"]
