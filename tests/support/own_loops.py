"""What the tests of own loops share."""

import scratchcnn as sc
from support.small_networks import compiled_network, some_digits

IMAGES, LABELS = some_digits(60)


def train(model, optimizer, loss=None, steps=3):
    """Train by hand on consecutive batches of 20."""
    loss = loss or sc.SoftmaxCrossEntropy()
    for images, labels in zip(IMAGES.reshape(-1, 20, 28, 28, 1)[:steps], LABELS.reshape(-1, 20), strict=False):
        loss.forward(model.forward(images, training=True), labels)
        model.backward(loss.backward())
        optimizer.step(model.parameters, model.gradients)
    return model


def fitted(optimizer, **options):
    model = compiled_network(optimizer)
    model.fit(IMAGES, LABELS, batch_size=20, shuffle=False, verbose=0, **options)
    return model


def weights(model):
    return [array.tobytes() for array in model.get_weights()]
