"""What the tests of augmentations share."""

from scratchcnn.data import Augmentation
from support.small_networks import some_digits

IMAGES, LABELS = some_digits(40)


EVERYTHING = Augmentation(rotation=15, shift=2, zoom=0.2, shear=10, elastic=(34, 4))
