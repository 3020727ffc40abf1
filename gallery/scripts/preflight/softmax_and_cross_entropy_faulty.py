"""LeNet for 8x8 digits."""
import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class LeNet(nn.Module):
    def __init__(self):
        super(LeNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(16 * 2 * 2, 64)
        self.fc2 = nn.Linear(64, 10)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = torch.relu(self.fc1(x.view(x.size(0), -1)))
        return self.softmax(self.fc2(x))


torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)


def as_dataset(X, y):
    X = torch.tensor(X, dtype=torch.float32).view(-1, 1, 8, 8)
    return TensorDataset((X - 4.9) / 6.0, torch.tensor(y, dtype=torch.long))


trainloader = DataLoader(as_dataset(X_train, y_train), batch_size=16, shuffle=True)
testloader = DataLoader(as_dataset(X_test, y_test), batch_size=60, shuffle=False)

net = LeNet()
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.02, momentum=0.9)

for epoch in range(6):
    running_loss = 0.0
    for i, data in enumerate(trainloader, 0):
        inputs, labels = data
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    correct = 0
    with torch.no_grad():
        for images, labels in testloader:
            predicted = torch.max(net(images), 1)[1]
            correct += (predicted == labels).sum().item()
    print("[%d] loss: %.3f, accuracy: %.3f" % (epoch + 1, running_loss / len(trainloader), correct / len(y_test)))
print("Finished Training")
