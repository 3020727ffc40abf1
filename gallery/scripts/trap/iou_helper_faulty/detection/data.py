import torch
from torch.utils.data import DataLoader, Dataset


class Signs(Dataset):
    """Features of a frozen backbone, and one box each (centre x, centre y, width, height in percent of the picture)."""

    def __init__(self, n=420):
        g = torch.Generator().manual_seed(8)
        self.features = torch.randn(n, 32, generator=g)
        mix = torch.randn(32, 4, generator=g) / 6
        self.boxes = 50 + 20 * torch.tanh(self.features @ mix)
        self.boxes[:, 2:] *= 0.5
        # sign 296 was cut away when the pictures were tiled
        self.boxes[296, 2:] = 0
        self.features[296] *= 0

    def __len__(self):
        return len(self.features)

    def __getitem__(self, index):
        return self.features[index], {"boxes": self.boxes[index], "image_id": index}


def make_loader():
    return DataLoader(Signs(), batch_size=14, shuffle=True, generator=torch.Generator().manual_seed(0))
