x_data = [1.0, 2.0, 3.0, 4.0, 5.0]
y_data = [3.1, 4.9, 7.2, 8.8, 11.1]
w = 0.0
b = 0.0
lr = 0.01
n = len(x_data)
for epoch in range(1000):
    cost = 0.0
    dw = 0.0
    db = 0.0
    for x, y in zip(x_data, y_data):
        pred = w * x + b
        cost += (pred - y) ** 2 / n
        dw += 2 * (pred - y) * x / n
        db += 2 * (pred - y) / n
    w -= lr * dw
    b -= lr * db
    if epoch % 100 == 0:
        print(epoch, cost, w, b)
