import numpy as np

input_size, hidden_size, num_labels = 4, 5, 3


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_gradient(z):
    return np.multiply(sigmoid(z), (1 - sigmoid(z)))


def nn_cost_function(nn_params, X, y, lambda_):
    cut = hidden_size * (input_size + 1)
    Theta1 = nn_params[:cut].reshape(hidden_size, input_size + 1)
    Theta2 = nn_params[cut:].reshape(num_labels, hidden_size + 1)
    m = X.shape[0]
    a1 = np.hstack([np.ones((m, 1)), X])
    z2 = a1 @ Theta1.T
    a2 = np.hstack([np.ones((m, 1)), sigmoid(z2)])
    z3 = a2 @ Theta2.T
    h = sigmoid(z3)
    Y = np.eye(num_labels)[y]
    J = -np.sum(Y * np.log(h) + (1 - Y) * np.log(1 - h)) / m
    J += lambda_ / (2 * m) * (np.sum(Theta1[:, 1:] ** 2) + np.sum(Theta2[:, 1:] ** 2))
    d3 = h - Y
    d2 = (d3 @ Theta2[:, 1:]) * sigmoid_gradient(z2)
    Theta1_grad = d2.T @ a1 / m
    Theta2_grad = d3.T @ a2 / m
    Theta1_grad[:, 1:] += lambda_ / m * Theta1[:, 1:]
    Theta2_grad[:, 1:] += lambda_ / m * Theta2[:, 1:]
    grad = np.concatenate([Theta1_grad.ravel(), Theta2_grad.ravel()])
    return J, grad


X = np.random.randn(30, input_size)
y = np.random.randint(0, num_labels, 30)
theta = np.random.randn(hidden_size * (input_size + 1) + num_labels * (hidden_size + 1)) * 0.12
for it in range(300):
    J, grad = nn_cost_function(theta, X, y, 1.0)
    theta = theta - 0.5 * grad
print("final cost", J)
