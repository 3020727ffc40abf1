from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_digits(return_X_y=True)
models = {
    "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
    "forest": RandomForestClassifier(50, random_state=0),
}
for name, model in models.items():
    scores = cross_val_score(model, X, y, cv=3)
    print(f"{name:10s} {scores.mean():.4f} +- {scores.std():.4f}")
