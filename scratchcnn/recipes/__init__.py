"""Recipes: a network together with all that its training takes, so that what comes out is known.

A recipe is data. ``examples/train_recipe.py --recipe NAME`` follows it, ``benchmarks/bench_accuracy.py`` measures what
it reaches over many seeds, ``benchmarks/time_to_accuracy.py`` how soon, and ``benchmarks/RESULTS.md`` lists both.

All was chosen on training images alone: how is in ``benchmarks/RESULTS.md``, "How the recipes were chosen", with what
was tried and not taken.
"""

from .networks import best_network as best_network
from .networks import fast_network as fast_network
from .networks import instant_network as instant_network
from .networks import keras_network as keras_network
from .networks import lenet5_network as lenet5_network
from .networks import middle_network as middle_network
from .networks import pictures_network as pictures_network
from .networks import quick_network as quick_network
from .networks import short_network as short_network
from .networks import tiny_network as tiny_network
from .recipe import Recipe as Recipe
from .recipe import checksum as checksum
from .table import LADDER as LADDER
from .table import RECIPES as RECIPES
