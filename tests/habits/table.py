"""What users of Keras type: a line of code each, and whether it works or which line the message shows instead.

``docs/keras.md`` is made of this table, and ``test_habits.py`` runs it. Names that the code may use: sc, np, x and y
(100 digits and their labels), rows (one-hot), a compiled ``model`` and a ``folder``.
"""

from __future__ import annotations

from typing import NamedTuple


class Habit(NamedTuple):
    """Code that works as it is where ``instead`` is empty; else the code that an error shows, which does."""

    code: str
    instead: str = ""


LAYERS = "[sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)]"
NEW = f"sc.Sequential({LAYERS}, input_shape=(28, 28, 1))"

HABITS = {
    "Layers": [
        Habit('sc.Conv2D(32, (3, 3), activation="relu", padding="same", name="first")'),
        Habit('sc.Conv2D(32, kernel_size=3, strides=2, kernel_initializer="he_normal", kernel_regularizer="l2")'),
        Habit("sc.Conv2D(32, 3, dilation_rate=2)"),
        Habit("sc.Conv2D(32, 3, groups=4)"),
        Habit("sc.layers.Conv2D(32, 3)"),
        Habit('sc.Dense(64, "relu")'),
        Habit('sc.Dense(10, activation="softmax")', "sc.Dense(10)"),
        Habit("sc.Softmax()", "sc.Dense(10)"),
        Habit('sc.Activation("relu")', "sc.ReLU()"),
        Habit("sc.MaxPooling2D((2, 2))", "sc.MaxPool2D(2)"),
        Habit("sc.layers.MaxPooling2D((2, 2))", "sc.MaxPool2D(2)"),
        Habit("from scratchcnn import MaxPooling2D", "sc.MaxPool2D(2)"),
        Habit("sc.AveragePooling2D()", "sc.AveragePool2D(2)"),
        Habit("sc.GlobalAveragePooling2D()", "sc.GlobalAveragePool2D()"),
        Habit("sc.BatchNormalization()", "sc.BatchNorm()"),
        Habit("sc.DepthwiseConv2D(3)", "sc.Conv2D(32, 3, groups=32)"),
        Habit("sc.Input(shape=(28, 28, 1))", "sc.Sequential([...], input_shape=(28, 28, 1))"),
        Habit("sc.Conv2D(32, 3, input_shape=(28, 28, 1))", "sc.Sequential([...], input_shape=(28, 28, 1))"),
        Habit('sc.Conv2D(32, 3, data_format="channels_last")', "x.transpose(0, 2, 3, 1)"),
        Habit('sc.Dense(10, bias_regularizer="l2")', "kernel_regularizer=sc.regularizers.L2(1e-4)"),
        Habit("sc.Dense(10, trainable=False)", "layer.trainable = False"),
        Habit('sc.Dense(10, dtype="float64")', 'dtype="float64"'),
        Habit("sc.Dense(units=10, kernal_initializer='zeros')", "kernel_initializer"),
        Habit("sc.Dense(10)(x)", "sc.Sequential([...], input_shape=(28, 28, 1))"),
        Habit("sc.Dropout(0.5, seed=1)", "seed=1"),
        Habit("sc.BatchNorm(axis=-1)", "leave it out"),
        Habit("sc.LeakyReLU(negative_slope=0.1), sc.ELU(alpha=0.5), sc.Flatten(), sc.Dropout(0.5)"),
        Habit("sc.layers.Add()", 'sc.Residual([sc.Conv2D(32, 3, padding="same"), sc.ReLU()])'),
    ],
    "The model": [
        Habit(NEW),
        Habit("sc.Sequential()", "sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))"),
        Habit(f"sc.Sequential({LAYERS})", "sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))"),
        Habit("model.add(sc.Dense(10))", "sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))"),
        Habit("sc.Model(x, y)", "sc.Sequential([...], input_shape=(28, 28, 1))"),
        Habit("sc.models.Sequential", "sc.Sequential([...], input_shape=(28, 28, 1))"),
        Habit("model(x)"),
        Habit("model(x, training=True)"),
        Habit("model.summary()"),
        Habit("model.summary(line_length=80)", "leave it out"),
        Habit('model.get_layer("dense")'),
        Habit("model.get_layer(index=-1)"),
        Habit("model.layers[2].get_weights()"),
        Habit("model.layers[2].set_weights(model.layers[2].get_weights())"),
        Habit("model.set_weights(model.get_weights())"),
        Habit("model.trainable_weights", "model.named_parameters()"),
        Habit("model.layers[2].kernel", 'layer.params["kernel"]'),
        Habit("model.count_params()"),
        Habit("model.trainable = False"),
        Habit('model.save(f"{folder}/model.npz")'),
        Habit('model.save(f"{folder}/model.npz", overwrite=True)', "leave it out"),
        Habit('model.save(f"{folder}/model.npz"); sc.load_model(f"{folder}/model.npz")'),
        Habit('model.save_weights(f"{folder}/weights.npz"); model.load_weights(f"{folder}/weights.npz")'),
        Habit("sc.model_from_json(model.to_json())"),
        Habit("model.get_config()", "model.to_json()"),
    ],
    "compile": [
        Habit('model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])'),
        Habit('model.compile(optimizer="rmsprop", loss="categorical_crossentropy")'),
        Habit('model.compile(optimizer=sc.SGD(learning_rate=0.01, momentum=0.9, nesterov=True), loss="mse")'),
        Habit("model.compile(optimizer=sc.Adam(lr=1e-3))", "learning_rate"),
        Habit(
            "model.compile(optimizer=sc.SGD(0.1, decay=1e-4))", "sc.schedules.StepDecay(0.1, every=1000, factor=0.9)"
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
        Habit("sc.SGD(0.1, use_ema=True)", "sc.ExponentialMovingAverage()"),
    ],
    "Data": [
        Habit('(x_train, y_train), (x_test, y_test) = sc.data.load_data("digits")'),
        Habit("sc.datasets.mnist.load_data()", '(x_train, y_train), (x_test, y_test) = sc.data.load_data("mnist")'),
        Habit("sc.utils.to_categorical(y, 10)", "np.eye(10)[y]"),
    ],
}
