"""Programs that show that advice works, and what works as in Keras but means something else."""

OWN_LAYER = """
class Mine(sc.Layer):
    def build(self, input_shape, rng): return self.set_shapes(input_shape, input_shape)
    def forward(self, x, training=False): return 2 * self.as_input(x)
    def backward(self, dy): return 2 * self.as_gradient(dy)
sc.gradcheck.check_layer(Mine(), input_shape=(3,)).raise_if_wrong()
"""
OWN_LOSS = """
class Mine:
    def forward(self, logits, targets):
        self.logits = logits
        return float(0.5 * np.mean(logits**2))
    def backward(self): return self.logits / self.logits.size
model.compile(loss=Mine())
model.fit(x, y, verbose=0)
"""
OWN_CALLBACK = """
class Mine(sc.callbacks.Callback):
    def on_train_begin(self): assert self.epochs == self.steps == 1
    def on_epoch_end(self, epoch, logs): logs["noted"] = 1
assert model.fit(x, y, batch_size=100, callbacks=Mine(), verbose=0).history["noted"] == [1]
"""
OWN_MODEL = """
class Net(sc.Sequential):
    def forward(self, x, training=False): return 2 * super().forward(x, training)
net, other = Net([sc.Dense(3)], input_shape=(2,)), sc.Sequential([sc.Dense(3)], input_shape=(2,))
assert (net.forward(np.ones((1, 2))) == 2 * other.forward(np.ones((1, 2)))).all()
"""
OWN_METRIC = """
def my_function(targets, predictions): return 0.0
model.compile(metrics=[my_function])
model.fit(x, y, verbose=0)
"""
MEAN_ABSOLUTE_ERROR = """
mean_absolute_error = lambda t, p: abs(t - p).mean()
model.compile(loss="mse", metrics=[mean_absolute_error])
model.fit(x, rows, verbose=0)
"""
GAMMA = "layer = sc.Sequential([sc.BatchNorm()], (3,)).layers[0]; "
FOLDER = """
from PIL import Image
path = folder / "photos"
(path / "cat").mkdir(parents=True)
Image.fromarray(x[0]).save(path / "cat" / "1.png")
sc.data.load_folder(path)
"""

# What works and means something else: a sentence, and a program that shows it.
DIFFERENCES = {
    "A network ends in logits, and `predict` answers with what its loss makes of them: probabilities, of "
    "`sc.SoftmaxCrossEntropy()`.": "assert np.allclose(model.predict(x).sum(axis=1), 1)",
    "`validation_split` draws its samples at random, from the model's seed, and not from the end.": """
model.fit(x, y, validation_split=0.5, verbose=0, callbacks=sc.callbacks.LambdaCallback())
first = model.history.history["val_loss"]
again = sc.model_from_json(model.to_json())
again.compile()
again.fit(x[:50], y[:50], validation_data=(x[50:], y[50:]), verbose=0)
assert again.history.history["val_loss"] != first
""",
    "An activation is a layer of its own in `model.layers`.": """
assert len(sc.Sequential([sc.Dense(3, activation="relu")], input_shape=(2,)).layers) == 2
""",
    "`evaluate` returns loss and accuracy where nobody has asked for metrics, NaN in the place of an accuracy that "
    "there is none of; with `metrics=[]` the loss alone.": """
assert len(model.evaluate(x, y)) == 2
model.compile(metrics=[])
assert isinstance(model.evaluate(x, y), float)
""",
    "A metric function of your own gets the targets as the loss takes them: class numbers, also where `fit` was given "
    "one-hot rows.": """
def of_numbers(targets, predictions):
    assert targets.shape == (len(predictions),)
    return 0.0
model.compile(metrics=[of_numbers])
model.evaluate(x, rows)
""",
    "Precision, recall and F1 are means over the classes (macro), of the class that has the highest probability.": """
metric = sc.metrics.Precision()
metric.reset_state()
metric.update_state(np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]))
assert metric.result() == (1 + 1 / 2) / 2
""",
    "With `sc.BinaryCrossEntropy()` the accuracy is that of all answers yes or no, of several labels each.": """
several = sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
several.compile(loss=sc.BinaryCrossEntropy(), metrics=["accuracy"])
answers = several.predict(x) > 0.5
assert abs(several.evaluate(x, rows)[1] - (answers == rows).mean()) < 1e-9
""",
    "`model.stop_training = True` ends the training after the epoch, also where a batch sets it.": """
class Stop(sc.callbacks.Callback):
    batches = 0
    def on_train_batch_end(self, batch, logs):
        self.batches += 1
        self.model.stop_training = True
stop = Stop()
model.fit(x, y, batch_size=10, epochs=3, callbacks=stop, verbose=0)
assert stop.batches == 10
""",
    "`model.count_params()` counts what is learnt, without the moving statistics of a batch normalisation.": """
assert sc.Sequential([sc.BatchNorm()], input_shape=(3,)).count_params() == 6
""",
    "`model.input_shape` and `model.output_shape` are those of one sample.": """
assert (model.input_shape, model.output_shape) == ((28, 28, 1), (10,))
""",
}
