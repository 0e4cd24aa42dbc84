"""What users of Keras type: a line of code each, and whether it works or which line the message shows instead.

``docs/keras.md`` is made of this table, and ``test_habits.py`` runs it. Names that the code may use: sc, np, x and y
(100 digits and their labels), rows (one-hot), a compiled ``model`` and a ``folder``.
"""

from __future__ import annotations

from habits import of_networks, of_training

HABITS = of_networks.HABITS | of_training.HABITS
