from torch import nn


def block(n_in, n_out, p):
    return nn.Sequential(nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU(), nn.Dropout(p))


class DigitNet(nn.Module):
    def __init__(self, width=96, p=0.2):
        super().__init__()
        self.body = nn.Sequential(block(64, width, p), block(width, width, p))
        self.head = nn.Linear(width, 10)

    def forward(self, image):
        return self.head(self.body(image))
