"""What tests share that is no fixture: networks, data sets, broken layers, comparisons, programs."""
