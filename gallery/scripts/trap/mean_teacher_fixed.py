"""Mean teacher: consistency with a moving average of the weights, corrected for its start as in Adam."""
import copy

import torch
from torch import nn


class Teacher:
    def __init__(self, student, decay=0.95):
        self.model = copy.deepcopy(student)
        self.shadow = [torch.zeros_like(p) for p in student.parameters()]
        self.decay, self.updates = decay, 0

    @torch.no_grad()
    def update(self, student):
        self.updates += 1
        for s, p in zip(self.shadow, student.parameters()):
            s.mul_(self.decay).add_(p, alpha=1 - self.decay)

    @torch.no_grad()
    def predict(self, x):
        correction = 1 - torch.tensor(self.decay) ** self.updates
        for s, p in zip(self.shadow, self.model.parameters()):
            p.copy_(s / correction)
        return torch.softmax(self.model(x), dim=1)


torch.manual_seed(70)
x = torch.randn(400, 8)
y = (x[:, 0] + x[:, 1] > 0).long()
student = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 2))
teacher = Teacher(student)
teacher.update(student)
optimizer = torch.optim.SGD(student.parameters(), lr=0.2)

for step in range(150):
    rows = torch.randint(0, 400, (32,))
    logits = student(x[rows] + 0.1 * torch.randn(32, 8))
    supervised = nn.functional.cross_entropy(logits[:8], y[rows[:8]])
    consistency = ((torch.softmax(logits, dim=1) - teacher.predict(x[rows])) ** 2).mean()
    loss = supervised + 0.5 * consistency
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    teacher.update(student)
    if step % 50 == 0:
        print(step, supervised.item(), consistency.item())
