"""Pictures of a training, of its answers, and of what the network has learnt.

Each function returns a matplotlib ``Figure``: ``figure.savefig("curves.png")`` writes it, a notebook shows it. No
window is opened and no global state of matplotlib is touched, so all of this works without a display. matplotlib is
imported when the first picture is drawn. The colours are told apart by readers who cannot tell red from green.

docs/pictures.md shows each picture beside the line that makes it.
"""

# isort: off
from ..terminal import ascii_digit
from .learning_curves import histories, learning_curves, smoothing_floor
from .learning_rate import learning_rate_search
from .answers import predictions, worst_mistakes
from .confusion import confusion_counts, confusion_matrix, most_confused
from .filters import kernels, weights
from .inside import feature_maps, gradient_maps
from .attribution import grad_cam, occlusion, saliency
from .embedding import embedding
from .augmentation import augmented
from .training import training_histograms
from .derivative import gradient_check
# isort: on

__all__ = [
    "ascii_digit",
    "augmented",
    "confusion_counts",
    "confusion_matrix",
    "embedding",
    "feature_maps",
    "grad_cam",
    "gradient_check",
    "gradient_maps",
    "histories",
    "kernels",
    "learning_curves",
    "learning_rate_search",
    "most_confused",
    "occlusion",
    "predictions",
    "saliency",
    "smoothing_floor",
    "training_histograms",
    "weights",
    "worst_mistakes",
]
