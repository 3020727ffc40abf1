import torch
from sklearn.datasets import load_digits
from torch.utils.data import Dataset


class Digits(Dataset):
    """One item is a dictionary with the image as a flat vector and its digit."""

    def __init__(self, images, digits):
        self.images = images
        self.digits = digits

    def __len__(self):
        return len(self.digits)

    def __getitem__(self, index):
        return {"image": self.images[index], "digit": self.digits[index]}


def load(seed=0):
    x, y = load_digits(return_X_y=True)
    x = torch.tensor((x - 4.9) / 6.0, dtype=torch.float32)
    y = torch.tensor(y)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    x, y = x[order], y[order]
    return Digits(x[:1400], y[:1400]), Digits(x[1400:], y[1400:])
