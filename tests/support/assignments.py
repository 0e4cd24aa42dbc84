"""What the tests of assignments share."""

import numpy as np

import scratchcnn as sc


class Scale(sc.Layer):
    """y = w x + b, for each feature; what the subclasses write differently must not matter."""

    def build(self, input_shape, rng):
        self.add_parameter("w", np.ones(input_shape[-1]))
        self.add_parameter("b", np.zeros(()))
        self.state["calls"] = np.zeros(1)
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        self._x = self.as_input(x)  # (N, D)
        self.state["calls"][...] += 1
        return self._x * self.params["w"] + self.params["b"]

    def backward(self, dy):
        self.grads["w"][...] = (self._x * dy).sum(axis=0)
        self.grads["b"][...] = dy.sum()
        return dy * self.params["w"]


class Holds(Scale):
    """Leaves the work to another layer, whose parameters it registers."""

    def build(self, input_shape, rng):
        self.inner = Scale()
        self.inner.dtype = self.dtype
        shape = self.inner.build(input_shape, rng)
        for name in self.inner.params:
            self.add_parameter(name, self.inner.params[name])
            self.inner.move_parameter(name, self.params[name], self.grads[name])
        self.state["calls"] = self.inner.state["calls"]
        return self.set_shapes(input_shape, shape)

    def forward(self, x, training=False):
        return self.inner.forward(x, training)

    def backward(self, dy):
        return self.inner.backward(dy)


def network(layer, **options):
    layers = [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(6), sc.ReLU(), layer, sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1), **options)
    model.compile(sc.SGD(0.1, momentum=0.9))
    return model
