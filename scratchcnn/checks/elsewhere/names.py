"""Names that Keras and PyTorch have and this library does not, each with what to write here."""

_NO_OTHER_LOSS = "write an object with forward and backward, see sc.losses.Loss"
_SOFTMAX = (
    "end the network in logits, sc.Dense(10): sc.SoftmaxCrossEntropy() takes the softmax with the logarithm, which is "
    "exact, and model.predict answers with the probabilities"
)
ONE_INPUT = "pass the shape of one sample to the model: sc.Sequential([...], input_shape=(28, 28, 1))"
_NO_FUNCTIONAL = f"networks are layers in a row; {ONE_INPUT}"

_ONE_HOT = "labels may stay class numbers; np.eye(10)[y] makes one-hot rows of them, which fit takes, too"

SEED_OF_MODEL = "everything random comes from the model's seed: sc.Sequential([...], input_shape=(28, 28, 1), seed=1)"
_DISTORT = "distort training images with fit(..., augmentation=sc.data.Augmentation"
_OWN_BATCHES = "there is none; model.fit(generator, steps_per_epoch=100) takes batches that you have prepared"
_ANY_FUNCTION = "the learning rate may be any function of the step"
_ONLY_L2 = "there is only the sum of squares: sc.regularizers.L2(1e-4)"
_FUNCTION_METRIC = "a metric may be any function of (targets, predictions): metrics=[my_function]"
_OWN_LAYER = "write it: class Mine(sc.Layer) with build, forward and backward, as README.md shows"

ELSEWHERE = {
    "Conv2d": "scratchcnn calls it Conv2D: sc.Conv2D(32, 3)",
    "Convolution2D": "scratchcnn calls it Conv2D: sc.Conv2D(32, 3)",
    "DepthwiseConv2D": "write a convolution with as many groups as channels: sc.Conv2D(32, 3, groups=32)",
    "MaxPooling2D": "scratchcnn calls it MaxPool2D: sc.MaxPool2D(2)",
    "MaxPool2d": "scratchcnn calls it MaxPool2D: sc.MaxPool2D(2)",
    "AveragePooling2D": "scratchcnn calls it AveragePool2D: sc.AveragePool2D(2)",
    "AvgPool2D": "scratchcnn calls it AveragePool2D: sc.AveragePool2D(2)",
    "AvgPool2d": "scratchcnn calls it AveragePool2D: sc.AveragePool2D(2)",
    "GlobalAveragePooling2D": "scratchcnn calls it GlobalAveragePool2D: sc.GlobalAveragePool2D()",
    "GlobalAvgPool2D": "scratchcnn calls it GlobalAveragePool2D: sc.GlobalAveragePool2D()",
    "AdaptiveAvgPool2d": "scratchcnn calls it GlobalAveragePool2D: sc.GlobalAveragePool2D()",
    "BatchNormalization": "scratchcnn calls it BatchNorm: sc.BatchNorm()",
    "BatchNorm2d": "scratchcnn calls it BatchNorm: sc.BatchNorm()",
    "Linear": "scratchcnn calls it Dense: sc.Dense(10)",
    "Normalization": "scratchcnn scales images with Rescaling: sc.Rescaling(1 / 255)",
    "Activation": 'write the layer, such as sc.ReLU(), or sc.Conv2D(32, 3, activation="relu")',
    "Softmax": _SOFTMAX,
    "LogSoftmax": _SOFTMAX,
    "Input": ONE_INPUT,
    "InputLayer": ONE_INPUT,
    "Model": _NO_FUNCTIONAL,
    "Module": _NO_FUNCTIONAL,
    "Functional": _NO_FUNCTIONAL,
    "Add": 'write a skip connection as a layer: sc.Residual([sc.Conv2D(32, 3, padding="same"), sc.ReLU()])',
    "RandomFlip": f"{_DISTORT}(horizontal_flip=True))",
    "RandomRotation": f"{_DISTORT}(rotation=10))",
    "RandomZoom": f"{_DISTORT}(zoom=0.1))",
    "RandomTranslation": f"{_DISTORT}(shift=2))",
    "ImageDataGenerator": f"{_DISTORT}(rotation=10))",
    "RandomContrast": _OWN_BATCHES,
    "RandomBrightness": _OWN_BATCHES,
    "RandomCrop": _OWN_BATCHES,
    "SparseCategoricalCrossentropy": "scratchcnn calls it SoftmaxCrossEntropy: sc.SoftmaxCrossEntropy()",
    "CategoricalCrossentropy": "scratchcnn calls it SoftmaxCrossEntropy: sc.SoftmaxCrossEntropy()",
    "CrossEntropyLoss": "scratchcnn calls it SoftmaxCrossEntropy: sc.SoftmaxCrossEntropy()",
    "NLLLoss": "scratchcnn takes logits: sc.SoftmaxCrossEntropy()",
    "BinaryCrossentropy": "scratchcnn calls it BinaryCrossEntropy: sc.BinaryCrossEntropy()",
    "BCEWithLogitsLoss": "scratchcnn calls it BinaryCrossEntropy: sc.BinaryCrossEntropy()",
    "BCELoss": "scratchcnn takes logits: sc.BinaryCrossEntropy()",
    "MSELoss": "scratchcnn calls it MeanSquaredError: sc.MeanSquaredError()",
    "MeanAbsoluteError": f"there is none; {_NO_OTHER_LOSS}",
    "Huber": f"there is none; {_NO_OTHER_LOSS}",
    "KLDivergence": "its gradient is that of sc.SoftmaxCrossEntropy() with rows of probabilities as targets",
    "SparseCategoricalAccuracy": "scratchcnn calls it Accuracy: sc.metrics.Accuracy()",
    "CategoricalAccuracy": "scratchcnn calls it Accuracy: sc.metrics.Accuracy()",
    "BinaryAccuracy": "scratchcnn calls it Accuracy: sc.metrics.Accuracy()",
    "SparseTopKCategoricalAccuracy": "scratchcnn calls it TopKAccuracy: sc.metrics.TopKAccuracy(5)",
    "TopKCategoricalAccuracy": "scratchcnn calls it TopKAccuracy: sc.metrics.TopKAccuracy(5)",
    "Nadam": "there is none; the nearest is sc.Adam(1e-3)",
    "Adamax": "there is none; the nearest is sc.Adam(1e-3)",
    "Adagrad": "there is none; the nearest is sc.RMSprop(1e-3)",
    "Adadelta": "there is none; the nearest is sc.RMSprop(1e-3)",
    "ExponentialDecay": (
        f"{_ANY_FUNCTION}: sc.SGD(lambda step: 0.1 * 0.9 ** (step / 1000)); "
        "with staircase=True it is sc.schedules.StepDecay(0.1, every=1000, factor=0.9)"
    ),
    "PiecewiseConstantDecay": f"{_ANY_FUNCTION}: sc.SGD(lambda step: 0.1 if step < 1000 else 0.01)",
    "PolynomialDecay": f"{_ANY_FUNCTION}: sc.SGD(lambda step: 0.1 * (1 - min(step, 1000) / 1000))",
    "InverseTimeDecay": f"{_ANY_FUNCTION}: sc.SGD(lambda step: 0.1 / (1 + 0.5 * step / 1000))",
    "CosineDecayRestarts": f"{_ANY_FUNCTION}: sc.SGD(lambda step: sc.schedules.CosineDecay(0.1, 1000)(step % 1000))",
    "LearningRateSchedule": f"{_ANY_FUNCTION}: sc.SGD(lambda step: 0.1 / (1 + step))",
    "schedules": "they are in sc.schedules: sc.SGD(sc.schedules.CosineDecay(0.1, 1000))",
    "StepLR": "scratchcnn calls it StepDecay: sc.schedules.StepDecay(0.1, every=1000, factor=0.9)",
    "OneCycleLR": "scratchcnn calls it OneCycle, a schedule of sc.schedules",
    "CosineAnnealingLR": "scratchcnn calls it CosineDecay, a schedule of sc.schedules",
    "models": "the only kind of model is sc.Sequential([...], input_shape=(28, 28, 1)); sc.load_model(path) reads one",
    "keras": "import scratchcnn as sc has its place: sc.Sequential, sc.layers.Conv2D, sc.Adam",
    "nn": "layers are in sc.layers: sc.layers.Conv2D(32, 3), or sc.Conv2D(32, 3)",
    "optim": "optimizers are in sc.optimizers: sc.optimizers.Adam(1e-3), or sc.Adam(1e-3)",
    "datasets": (
        'data sets are in sc.data: (x_train, y_train), (x_test, y_test) = sc.data.load_data("mnist"), '
        'sc.data.load_data("fashion_mnist") or sc.data.load_data("cifar10")'
    ),
    "mnist": '(x_train, y_train), (x_test, y_test) = sc.data.load_data("mnist")',
    "fashion_mnist": '(x_train, y_train), (x_test, y_test) = sc.data.load_data("fashion_mnist")',
    "cifar10": '(x_train, y_train), (x_test, y_test) = sc.data.load_data("cifar10")',
    "utils": (
        f"{_ONE_HOT}; seeds are the model's, sc.Sequential([...], input_shape=(28, 28, 1), seed=1); folders of "
        "pictures are read by sc.data.load_folder(path)"
    ),
    "to_categorical": _ONE_HOT,
    "set_random_seed": SEED_OF_MODEL,
    "random": SEED_OF_MODEL,
    "image_dataset_from_directory": "folders of pictures are read by sc.data.load_folder(path)",
    "preprocessing": "folders of pictures are read by sc.data.load_folder(path), tables by sc.data.load_csv(path)",
    "plot_model": "model.summary() prints the layers",
    "config": 'the precision is the model\'s: sc.Sequential([...], input_shape=(28, 28, 1), dtype="float64")',
    "clone_model": "sc.model_from_json(model.to_json()) is a fresh one, copy.deepcopy(model) one with the same weights",
    "save_model": 'model.save("model.npz") writes it',
    "saving": 'model.save("model.npz") writes a model, sc.load_model("model.npz") reads it',
    "TensorBoard": 'what each epoch measured is written by sc.callbacks.CSVLogger("log.csv")',
    "RemoteMonitor": "write sc.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs))",
    "History": "fit returns it: history = model.fit(x, y)",
    "BaseLogger": "fit averages over the batches itself: history = model.fit(x, y)",
    "CallbackList": 'fit takes a list: model.fit(x, y, callbacks=[sc.callbacks.CSVLogger("log.csv")])',
    "ProgbarLogger": "model.fit(x, y, verbose=1) shows a bar",
    "SwapEMAWeights": "scratchcnn calls it ExponentialMovingAverage: sc.ExponentialMovingAverage()",
    "l2": "scratchcnn calls it L2: sc.regularizers.L2(1e-4)",
    "l1": f"{_ONLY_L2}",
    "L1": f"{_ONLY_L2}",
    "L1L2": f"{_ONLY_L2}",
    "l1_l2": f"{_ONLY_L2}",
    "AUC": f"there is none; {_FUNCTION_METRIC}",
    "MeanIoU": f"there is none; {_FUNCTION_METRIC}",
    "TruePositives": f"there is none; {_FUNCTION_METRIC}",
    "FalsePositives": f"there is none; {_FUNCTION_METRIC}",
    "TrueNegatives": f"there is none; {_FUNCTION_METRIC}",
    "FalseNegatives": f"there is none; {_FUNCTION_METRIC}",
    "RootMeanSquaredError": f"there is none; {_FUNCTION_METRIC}",
    "mse": "scratchcnn calls it MeanSquaredError: sc.MeanSquaredError()",
    "mae": f"there is none; {_NO_OTHER_LOSS}",
    "GlobalMaxPooling2D": "give the window the size of the image: sc.MaxPool2D(7), sc.Flatten()",
    "GlobalMaxPool2D": "give the window the size of the image: sc.MaxPool2D(7), sc.Flatten()",
    "ZeroPadding2D": "convolutions take it: sc.Conv2D(32, 3, padding=1)",
    "SeparableConv2D": "write its two convolutions: sc.Conv2D(32, 3, groups=32), sc.Conv2D(64, 1)",
    "Reshape": "give the images the shape that the network takes: x.reshape(-1, 28, 28, 1)",
    "PReLU": "the slope is not learnt: sc.LeakyReLU(0.1)",
    "ReLU6": f"there is none; {_OWN_LAYER}",
    "Resizing": "sizes are unified as folders are read: sc.data.load_folder(path, size=(28, 28))",
    "initializers": 'initializers go by their names: sc.Dense(10, kernel_initializer="he_normal")',
    "activations": 'activations are layers, sc.ReLU(), or go by their names: sc.Dense(10, activation="relu")',
    "backend": 'there is one for all layers: sc.ops.use("reference") or sc.ops.use("jit")',
}
# Layers of Keras for which there is neither another name nor another way.
ELSEWHERE |= dict.fromkeys(
    (
        "Attention", "Average", "Bidirectional", "CenterCrop", "Concatenate", "Conv1D", "Conv2DTranspose", "Conv3D",
        "Cropping2D", "Dot", "Embedding", "GRU", "GaussianDropout", "GaussianNoise", "GroupNormalization", "LSTM",
        "Lambda", "LayerNormalization", "MaxPooling1D", "Maximum", "MultiHeadAttention", "Multiply", "Permute",
        "RepeatVector", "SimpleRNN", "SpatialDropout2D", "Subtract", "TimeDistributed", "UpSampling2D", "add",
        "average", "concatenate", "multiply", "ConvTranspose2d", "LayerNorm", "GroupNorm", "Upsample",
    ),
    f"there is none; {_OWN_LAYER}",
)  # fmt: skip
# Names that mean something else as a metric.
METRICS_ELSEWHERE = dict.fromkeys(
    ("MeanAbsoluteError", "MeanSquaredError", "Huber", "KLDivergence", "mae", "mse"),
    "a metric may be any function of (targets, predictions), such as "
    "mean_absolute_error = lambda t, p: abs(t - p).mean(); metrics=[mean_absolute_error]",
)
