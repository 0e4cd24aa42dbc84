"""Are the derivatives right? Compare what ``backward`` says with what happens when the numbers are changed a little.

Three functions, one for each thing that can be checked, your own layers and losses included:

    from scratchcnn import gradcheck

    report = gradcheck.check_layer(MyLayer(3), input_shape=(8, 8, 2))
    print(report)                   what was compared, array by array, and the worst element of each
    report.raise_if_wrong()         for tests: a GradientError that names layer, parameter, index and both values

    gradcheck.check_loss(MyLoss(), shape=(4, 10))
    gradcheck.check_model(model)    a whole Sequential, as it runs, fused steps included

Everything happens in float64, on a copy: the layer or model given is not touched. For a layer whose outputs are y,
the loss is L = sum of r y with fixed random weights r, which is to say dy = r. ``numerical.py`` computes derivatives of
L by differences, ``report.py`` says how large an error is, and how it is shown. ``python -m scratchcnn.gradcheck``
checks every layer of the library.

A check could fail although the derivative is right, at the points where there is none: the kink of a ReLU, two equal
maxima in a pool. Random inputs hit them with probability 0, but a difference needs room on both sides:

- inputs that are not given are evenly spaced numbers in random order (``separated``): no two are closer together, and
  none is closer to 0, than a known gap;
- parameters and state are moved away from their initial values, where biases of exactly 0 would sit on the kink of the
  next ReLU (and a gamma of exactly 1 would hide a factor that was forgotten);
- the step of each difference is halved until the result stops changing. A kink inside the steps shows in the
  differences themselves, wherever it is in a network: see ``numerical.py``.
"""

from __future__ import annotations

from .checks import check_layer, check_loss, check_model
from .inputs import separated
from .report import Comparison, GradientError, Report

__all__ = ["Comparison", "GradientError", "Report", "check_layer", "check_loss", "check_model", "separated"]
