"""Progress of diabetes as a regression, with an estimator in the style of scikit-learn."""
import numpy as np
import torch
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


class NeuralRegressor:
    def __init__(self, hidden=(64, 32), epochs=60, batch_size=32, learning_rate=2e-3):
        self.hidden, self.epochs = hidden, epochs
        self.batch_size, self.learning_rate = batch_size, learning_rate

    def _build(self, n_features):
        layers, width = [], n_features
        for size in self.hidden:
            layers += [torch.nn.Linear(width, size), torch.nn.ReLU()]
            width = size
        layers += [torch.nn.Linear(width, 1)]
        return torch.nn.Sequential(*layers)

    def fit(self, X, y):
        X, y = torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(y, dtype=torch.float32).reshape(-1, 1)
        self.model_ = self._build(X.shape[1])
        optimizer = torch.optim.Adam(self.model_.parameters(), lr=self.learning_rate)
        for epoch in range(self.epochs):
            order = torch.randperm(len(X))
            for rows in order.split(self.batch_size):
                optimizer.zero_grad()
                loss = torch.nn.functional.mse_loss(self.model_(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
            if epoch % 20 == 19:
                print(f"epoch {epoch + 1}: loss {loss.item():.4f}")
        return self

    @torch.no_grad()
    def predict(self, X):
        return self.model_(torch.as_tensor(X, dtype=torch.float32)).numpy().ravel()


np.random.seed(0)
torch.manual_seed(0)
X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
scale_x, scale_y = StandardScaler().fit(X_train), StandardScaler().fit(y_train[:, None])
regressor = NeuralRegressor().fit(scale_x.transform(X_train), scale_y.transform(y_train[:, None]).ravel())
print("R2 on the rest:", round(r2_score(scale_y.transform(y_test[:, None]), regressor.predict(scale_x.transform(X_test))), 3))
