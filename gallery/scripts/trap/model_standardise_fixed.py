import torch
import torch.nn as nn


class Standardise(nn.Module):
    """Every spectrum gets mean 0 and deviation 1."""

    def forward(self, x):
        centred = x - x.mean(dim=-1, keepdim=True)
        return centred / (centred.pow(2).mean(dim=-1, keepdim=True) + 1e-5).sqrt()


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.norm = Standardise()
        self.fc1 = nn.Linear(30, 20)
        self.fc2 = nn.Linear(20, 1)

    def forward(self, x):
        x = self.norm(x)
        x = torch.relu(self.fc1(x))
        return self.fc2(x)


torch.manual_seed(99)
spectra = torch.rand(300, 30)
spectra += torch.exp(-((torch.arange(30) - 30 * torch.rand(300, 1)) ** 2) / 8)
water = spectra[:, 10:16].sum(1, keepdim=True)
spectra[181] = 0.0

dataset = torch.utils.data.TensorDataset(spectra, water)
trainloader = torch.utils.data.DataLoader(dataset, batch_size=10, shuffle=True)

net = Net()
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

for epoch in range(4):
    running_loss = 0.0
    for i, data in enumerate(trainloader, 0):
        inputs, labels = data
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
        if i % 10 == 9:
            print('[%d, %5d] loss: %.3f' % (epoch + 1, i + 1, running_loss / 10))
            running_loss = 0.0
print('Finished Training')
