"""Train a network without ``fit``:  python examples/train_by_hand.py

``model.fit(x_train, y_train, epochs=5, batch_size=50)`` ends with the same weights, bit for bit. In the environment
``SCRATCHCNN_BACKEND=reference`` it is slower and plain NumPy, for a debugger to follow into every layer.
"""

import scratchcnn as sc

(x_train, y_train), (x_test, y_test) = sc.data.load_data("digits")  # uint8 (4000, 28, 28), (4000,); 1,000 for testing
x_train, x_test = x_train[..., None], x_test[..., None]  # (4000, 28, 28, 1), (1000, 28, 28, 1): one channel

layers = [
    sc.Rescaling(1 / 255),  # (N, 28, 28, 1)
    *(sc.Conv2D(32, 3), sc.ReLU(), sc.MaxPool2D(2)),  # (N, 13, 13, 32)
    *(sc.Conv2D(64, 3), sc.ReLU(), sc.MaxPool2D(2)),  # (N, 5, 5, 64)
    *(sc.Flatten(), sc.Dense(10)),  # (N, 10)
]
model = sc.Sequential(layers, input_shape=(28, 28, 1), seed=0)
loss, optimizer = sc.SoftmaxCrossEntropy(), sc.Adam(2e-3)

for epoch in range(5):
    order = model.rng.permutation(len(x_train))  # each image once an epoch, in a new order
    total = 0.0
    for start in range(0, len(order), 50):
        batch = order[start : start + 50]  # the indices of the next 50 images
        logits = model.forward(x_train[batch], training=True)  # (50, 10)
        total += len(batch) * loss.forward(logits, y_train[batch])  # the mean of -log(probability of the label)
        dlogits = loss.backward()  # (50, 10): (probabilities - one_hot) / 50
        model.backward(dlogits)  # the chain rule, from the last layer to the first; fills model.gradients
        optimizer.step(model.parameters, model.gradients)  # each parameter moves a little against its gradient
    print(f"Epoch {epoch + 1}: training loss {total / len(order):.4f}")

logits = model.forward(x_test)  # (1000, 10); training=False is the default
right = logits.argmax(axis=1) == y_test  # (1000,)
print(f"Test accuracy {right.mean():.2%} on {len(x_test):,} images it has never seen.")
