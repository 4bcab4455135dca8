"""What scikit-learn's programs pass in, on its way to arrays that a network takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minnet.foundation.checks import Array

SPARSE = ("csr", "csc")
"""Kinds of sparse X that are taken, and made dense."""


@contextmanager
def text_refused(who: str, X: Any) -> Iterator[None]:
    """Raise ValueError for text in X, with its columns and with what turns it into numbers."""
    named = []
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        columns = zip(X.columns, X.dtypes, strict=True)
        named = [str(name) for name, dtype in columns if _is_text(dtype, X[name])]
    if named:
        raise ValueError(
            f"{who} takes numbers in X. Got text or categories in {', '.join(named)}. Encode them "
            f"first, in a Pipeline: ColumnTransformer([('text', OneHotEncoder(), {named})], "
            "remainder=StandardScaler())."
        )
    try:
        yield
    except ValueError as error:
        if not str(error).startswith("could not convert string to float"):
            raise
        raise ValueError(
            f"{who} takes numbers in X. Got text, {str(error).rpartition(': ')[2]} for one. Encode "
            "such columns first: OneHotEncoder()."
        ) from None


def _is_text(dtype: Any, column: Any) -> bool:
    """Whether a column holds text, or categories that are text."""
    if str(dtype) == "category":
        return _is_text(dtype.categories.dtype, dtype.categories)
    if str(dtype) in ("str", "string"):
        return True
    return str(dtype) == "object" and any(isinstance(value, str) for value in column)


def dense(X: Any) -> Array:
    """Return rows of a sparse matrix as an array, or an array as it is."""
    array: Array = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    return array
