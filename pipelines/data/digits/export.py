"""Writes pixels.npy and digits.csv from scikit-learn's handwritten digits."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

folder = Path(__file__).parent
digits = load_digits()
np.save(folder / "pixels.npy", digits.data.astype(np.float32))
lines = [f"{row},{digit}\n" for row, digit in enumerate(digits.target)]
(folder / "digits.csv").write_text("row,digit\n" + "".join(lines), encoding="utf-8")
