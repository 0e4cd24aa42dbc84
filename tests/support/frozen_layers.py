"""What the tests of frozen layers share."""

from support.small_networks import some_digits

IMAGES, LABELS = some_digits(60)


CONV, NORM, DENSE = 1, 2, -1  # places in the small network


def bits(model, place):
    layer = model.layers[place]
    return [array.tobytes() for array in (*layer.params.values(), *layer.state.values())]


def train(model, epochs=2, **options):
    model.fit(IMAGES, LABELS, batch_size=20, epochs=epochs, verbose=0, **options)
    return model
