"""What users of Keras type to train a network: compile, fit, callbacks, data."""

from __future__ import annotations

from habits.habit import Habit
from habits.programs import FOLDER, MEAN_ABSOLUTE_ERROR, OWN_CALLBACK, OWN_LOSS, OWN_METRIC

HABITS = {
    "compile": [
        Habit('model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])'),
        Habit('model.compile(optimizer="rmsprop", loss="categorical_crossentropy")'),
        Habit('model.compile(optimizer=sc.SGD(learning_rate=0.01, momentum=0.9, nesterov=True), loss="mse")'),
        Habit("model.compile(optimizer=sc.Adam(lr=1e-3))", "learning_rate"),
        Habit(
            "model.compile(optimizer=sc.SGD(0.1, decay=1e-4))", "sc.schedules.StepDecay(0.1, every=1000, factor=0.9)"
        ),
        Habit("sc.schedules.ExponentialDecay(0.1, 1000, 0.9)", "sc.SGD(lambda step: 0.1 * 0.9 ** (step / 1000))"),
        Habit("sc.optimizers.schedules.PolynomialDecay(0.1, 1000)", "sc.SGD(sc.schedules.CosineDecay(0.1, 1000))"),
        Habit(
            "from scratchcnn.schedules import PiecewiseConstantDecay",
            "sc.SGD(lambda step: 0.1 if step < 1000 else 0.01)",
        ),
        Habit(
            "sc.schedules.CosineDecay(0.1, 1000, 0.1)",
            "final_fraction=",
            runs="sc.schedules.CosineDecay(0.1, 1000, final_fraction=0.1)",
        ),
        Habit(
            "sc.schedules.CosineDecay(initial_learning_rate=0.1, decay_steps=1000)",
            "learning_rate",
            runs="sc.schedules.CosineDecay(learning_rate=0.1, steps=1000)",
        ),
        Habit(
            "sc.schedules.CosineDecay(0.1, 1000, alpha=0.1)",
            "final_fraction",
            runs="sc.schedules.CosineDecay(0.1, 1000, final_fraction=0.1)",
        ),
        Habit("sc.Adam(learning_rate=lambda: 0.1)", "lambda step: 0.1 / (1 + step)"),
        Habit("sc.AdamW(0.001, 0.004)", "l2_penalty=", runs="sc.AdamW(0.001, weight_decay=0.004, l2_penalty=0.0)"),
        Habit("sc.Adam(betas=(0.9, 0.99))", "sc.Adam(beta_1=0.9, beta_2=0.999)"),
        Habit(
            "model.optimizer.lr", "optimizer.learning_rate", runs="optimizer = model.optimizer; optimizer.learning_rate"
        ),
        Habit(
            "model.optimizer.apply_gradients([])",
            "optimizer.step(model.parameters, model.gradients)",
            runs="optimizer = model.optimizer; optimizer.step(model.parameters, model.gradients)",
        ),
        Habit(
            'net = sc.Sequential([sc.Flatten(), sc.Dense(1, activation="sigmoid")], (28, 28, 1))\n'
            'net.compile("adam", "binary_crossentropy")',
            "sc.Dense(1)",
        ),
        Habit(
            "model.compile(loss=lambda y_true, y_pred: 0.0)",
            "forward(self, logits, targets) and backward(self)",
            runs=OWN_LOSS,
        ),
        Habit(
            "class Mine(sc.losses.Loss):\n    def call(self, y, p): pass\nmodel.compile(loss=Mine())",
            "forward(self, logits, targets)",
            runs=OWN_LOSS,
        ),
        Habit("model.compile(optimizer=sc.SGD(0.1, clipnorm=1.0))", "global_clipnorm=1.0"),
        Habit('model.compile(optimizer="nadam")', "sc.Adam()"),
        Habit("sc.optimizers.Nadam()", "sc.Adam(1e-3)"),
        Habit("sc.optimizers.Adam(1e-3)"),
        Habit("model.compile(loss=sc.SparseCategoricalCrossentropy(from_logits=True))", "sc.SoftmaxCrossEntropy()"),
        Habit("sc.SoftmaxCrossEntropy(from_logits=True)", "leave it out"),
        Habit("sc.losses.BinaryCrossentropy(from_logits=True)", "sc.BinaryCrossEntropy()"),
        Habit("sc.losses.CategoricalCrossentropy(label_smoothing=0.1)", "sc.SoftmaxCrossEntropy()"),
        Habit('model.compile(loss="hinge")', "sc.SoftmaxCrossEntropy()"),
        Habit('model.compile(metrics=["accuracy", "top_k_accuracy", "precision", "recall", "f1_score"])'),
        Habit("model.compile(metrics=[lambda targets, predictions: 0.0])"),
        Habit('model.compile(metrics=["auc"])', "sc.metrics.F1Score()"),
        Habit("sc.metrics.SparseCategoricalAccuracy()", "sc.metrics.Accuracy()"),
        Habit('model.compile(metrics=["acc"]); model.fit(x, y, verbose=0).history["acc"]'),
        Habit(
            "sc.metrics.AUC()",
            "metrics=[my_function]",
            runs=OWN_METRIC,
        ),
        Habit(
            "sc.metrics.MeanAbsoluteError()",
            "mean_absolute_error = lambda t, p: abs(t - p).mean()",
            runs=MEAN_ABSOLUTE_ERROR,
        ),
        Habit("sc.metrics.Precision(thresholds=0.5)", "leave it out"),
        Habit('sc.metrics.F1Score(average="macro")', "leave it out"),
        Habit("model.compile(run_eagerly=True)", 'sc.ops.use("reference")'),
    ],
    "fit, evaluate, predict": [
        Habit("model.fit(x, y, 32, 2, 0)"),
        Habit("model.fit(x, y, epochs=1, batch_size=32, validation_split=0.1, shuffle=False, verbose=0)"),
        Habit("model.fit(x, y, validation_data=(x, y), validation_freq=2, epochs=2, verbose=0)"),
        Habit("model.fit(x, rows, verbose=0)"),
        Habit("model.fit(x, y[:, None], verbose=0)"),
        Habit("model.fit(x, y, class_weight={0: 1.0, 1: 5.0}, verbose=0)"),
        Habit("model.fit(x, y, sample_weight=np.ones(len(x)), verbose=0)"),
        Habit("model.fit(x, y, callbacks=sc.callbacks.EarlyStopping('loss'), verbose=0)"),
        Habit("model.fit([(x, y), (x, y)], epochs=2, verbose=0)"),
        Habit("model.fit(((x, y) for _ in range(3)), verbose=0)"),
        Habit(
            "class Two:\n    def __len__(self): return 2\n    def __getitem__(self, i): return x, y\n"
            "model.fit(Two(), epochs=2, verbose=0)"
        ),
        Habit("model.fit(x, y, steps_per_epoch=2)", "x[:1000], y[:1000]"),
        Habit("model.evaluate(x, y, callbacks=[])", "leave it out"),
        Habit('model.compile(metrics=[]); f"{model.evaluate(x, y):.4f}"'),
        Habit("model.fit_generator([(x, y)])", "model.fit(generator, steps_per_epoch=100)"),
        Habit("model.fit(x, y, nb_epoch=2)", "epochs"),
        Habit("model.fit(x, y, workers=4)", "leave it out"),
        Habit("model.evaluate(x, y, verbose=0)"),
        Habit("model.evaluate(x, y, batch_size=32, verbose=2, return_dict=True)"),
        Habit("model.predict(x, verbose=0)"),
        Habit("model.predict(x, batch_size=10)"),
        Habit("model.predict_classes(x)", "model.predict(x).argmax(axis=1)"),
        Habit("model.train_on_batch(x, y)"),
        Habit("model.test_on_batch(x, y, return_dict=True)"),
        Habit("model.predict_on_batch(x)"),
    ],
    "Callbacks": [
        Habit('sc.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.2, patience=5, min_lr=0.001)'),
        Habit("sc.callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.9)"),
        Habit("sc.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(logs))"),
        Habit("sc.callbacks.TerminateOnNaN()"),
        Habit("sc.callbacks.BackupAndRestore(folder)"),
        Habit('sc.callbacks.EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)'),
        Habit('sc.callbacks.ModelCheckpoint(f"{folder}/best.npz", monitor="val_accuracy", save_best_only=True)'),
        Habit('sc.callbacks.ModelCheckpoint(filepath="best.npz")', "path"),
        Habit('sc.callbacks.ModelCheckpoint("best.npz", save_weights_only=True)', "model.load_weights(path)"),
        Habit('sc.callbacks.CSVLogger(f"{folder}/log.csv", append=True)'),
        Habit("sc.ExponentialMovingAverage()"),
        Habit(
            'sc.callbacks.EarlyStopping("val_loss", 0, 3)',
            "patience=",
            runs='sc.callbacks.EarlyStopping("val_loss", min_delta=0, patience=3)',
        ),
        Habit('sc.callbacks.TensorBoard("logs")', 'sc.callbacks.CSVLogger("log.csv")'),
        Habit("sc.callbacks.History()", "history = model.fit(x, y)"),
        Habit("sc.callbacks.BaseLogger()", "history = model.fit(x, y)"),
        Habit("sc.callbacks.CallbackList([])", 'model.fit(x, y, callbacks=[sc.callbacks.CSVLogger("log.csv")])'),
        Habit("from scratchcnn.callbacks import SwapEMAWeights", "sc.ExponentialMovingAverage()"),
        Habit(
            "from scratchcnn import EarlyStopping", "sc.callbacks.EarlyStopping", runs="sc.callbacks.EarlyStopping()"
        ),
        Habit("sc.L2(1e-4)", "sc.regularizers.L2", runs="sc.regularizers.L2(1e-4)"),
        Habit(
            "class Mine(sc.callbacks.Callback):\n    def on_test_end(self, logs): pass\n"
            "model.fit(x, y, callbacks=Mine())",
            "on_epoch_end",
            runs=OWN_CALLBACK,
        ),
        Habit(
            "class Mine(sc.callbacks.Callback):\n    def on_train_begin(self, logs): pass\n"
            "model.fit(x, y, callbacks=Mine())",
            "def on_train_begin(self):",
            runs=OWN_CALLBACK,
        ),
        Habit("sc.callbacks.LambdaCallback(on_test_end=print)", "on_epoch_end", runs=OWN_CALLBACK),
        Habit("sc.callbacks.Callback().params", "self.epochs and self.steps", runs=OWN_CALLBACK),
        Habit("sc.SGD(0.1, use_ema=True)", "sc.ExponentialMovingAverage()"),
    ],
    "Data": [
        Habit('(x_train, y_train), (x_test, y_test) = sc.data.load_data("digits")'),
        Habit("sc.datasets.mnist.load_data()", '(x_train, y_train), (x_test, y_test) = sc.data.load_data("mnist")'),
        Habit("sc.utils.to_categorical(y, 10)", "np.eye(10)[y]"),
        Habit("sc.utils.set_random_seed(1)", "seed=1"),
        Habit(
            "sc.datasets.fashion_mnist.load_data()",
            'sc.data.load_data("fashion_mnist")',
            runs='"fashion_mnist" in sc.data.load_data.__doc__',
        ),
        Habit('sc.layers.RandomFlip("horizontal")', "sc.data.Augmentation(horizontal_flip=True)"),
        Habit("sc.data.Augmentation(rotation_range=10)", "rotation", runs="sc.data.Augmentation(rotation=10)"),
        Habit('sc.utils.image_dataset_from_directory("photos")', "sc.data.load_folder(path)", runs=FOLDER),
    ],
}
