"""Pictures of a training and of what it has learnt.

Each function returns a matplotlib ``Figure``: ``figure.savefig("curves.png")`` writes it, a notebook shows it. No
window is opened and no global state of matplotlib is touched, so all of this works without a display. matplotlib is
imported when the first picture is drawn.
"""

from ..terminal import ascii_digit as ascii_digit
from .confusion import confusion_counts as confusion_counts
from .confusion import confusion_matrix as confusion_matrix
from .curves import learning_curves as learning_curves
from .curves import learning_rate_search as learning_rate_search
from .filters import kernels as kernels
from .gradient_check import gradient_check as gradient_check
from .images import augmented as augmented
from .images import predictions as predictions
