"""Are the derivatives right? Compare what ``backward`` says with what happens when the numbers are changed a little.

Three functions, one for each thing that can be checked, your own layers and losses included:

    from scratchcnn import gradcheck

    report = gradcheck.check_layer(MyLayer(3), input_shape=(8, 8, 2))
    print(report)                   what was compared, array by array, and the worst element of each
    report.raise_if_wrong()         for tests: a GradientError that names layer, parameter, index and both values

    gradcheck.check_loss(MyLoss(), shape=(4, 10))
    gradcheck.check_model(model)    a whole Sequential, as it runs, fused steps included

Everything happens in float64, on copies: the layer or model given is not touched. For a layer whose outputs are y,
the loss is L = sum of r y with fixed random weights r, which is to say dy = r. ``numerical.py`` computes derivatives of
L by differences, ``comparison.py`` says how large an error is, ``report.py`` shows it.
``python -m scratchcnn.gradcheck`` checks every layer of the library.

On a kink (a ReLU at 0, a hinge at its margin, two equal maxima in a pool) there is no derivative, and whatever
``backward`` answers is as good as anything else. A check must neither call it wrong there, nor excuse what is wrong
elsewhere:

- inputs that are not given are random, off any grid, and apart from each other and from 0: see ``inputs.py``;
- parameters and state are moved away from their initial values, where biases of exactly 0 would sit on the kink of the
  next ReLU (and a gamma of exactly 1 would hide a factor that was forgotten);
- the differences themselves show a kink, wherever it is in a network, also where pixels are integers: see
  ``numerical.py``. The report says how many elements have "no derivative here"; they are left out, and others are
  checked in their place. Where hardly any can be, the verdict is NOT CHECKED;
- larger batches, of inputs up to +-64, are checked along random directions: ``compare.py``.

A gradient must belong to the latest batch, whatever came before: ``history.py`` compares a copy that has seen other
batches with a fresh one. And it must be one that an optimizer sees: ``unregistered.py`` looks for parameters that are
attributes of a layer and nothing else.
"""

from __future__ import annotations

from .checks import check_layer, check_loss, check_model
from .comparison import Comparison
from .inputs import separated
from .report import GradientError, Report

__all__ = ["Comparison", "GradientError", "Report", "check_layer", "check_loss", "check_model", "separated"]
