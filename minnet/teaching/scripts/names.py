"""What names tell: which number is the loss, which array the gradient of which weight.

Numbers that a program does not compute are had from its arrays: ½ Σ v² of an array of errors, and
the squares or the cross-entropy of what looks like outputs and targets.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from minnet.foundation.checks import Array
from minnet.teaching.scripts.closures import CELLS
from minnet.teaching.scripts.replays import Run
from minnet.teaching.scripts.values import is_number, is_numeric, slots

LOSS = re.compile(
    r"(^|[^a-z])(total_?|final_?|train(ing)?_?|batch_?|full_?)?"
    r"(loss|losses|cost|costs|j|l|objective|obj|loss_?val(ue)?|cost_?val(ue)?|j_?theta|e|error|err|mse|nll|mae|rmse|sse|rss|msle|huber|hinge|"
    r"kosten|verlust|fehler|perte|co[uû]t|coste?o?|perdida|pérdida|custo|perda|erro|损失|代价|误差|損失|誤差|"
    r"손실|오차|비용|потери|ошибка|poteri|oshibka|errore|costo|perdita|verlies|fout|"
    r"strata|koszt|b[lł][aą]d|kay[iı]p|maliyet|hata|f[oö]rlust|chyba|ztr[aá]ta|"
    r"cross_?entropy|ce|bce|log_?loss|neg_?log_?lik\w*|cost_?function\w*|compute_?cost\w*|"
    r"compute_?loss|loss_?f(n|unc(tion)?)?|get_?loss|calc\w*_?(loss|cost)|nn_?cost\w*)$",
    re.IGNORECASE,
)


PARTIAL = re.compile(
    r"(loss|(?<!nas)cost|error|err|mse|penalty|entropy|nll|objective|likelihood|kosten|verlust|"
    r"fehler|perte|perdit|co[uû]t|verlies|koszt|kay[iı]p|maliyet|oshibk|poter|"
    r"custo|perda|损失|代价|误差|損失|誤差|손실|오차|потер|ошибк)",
    re.IGNORECASE,
)


NO_LOSS = re.compile(
    r"acc|correct|lr|rate|alpha|eta\b|lambda|lam\b|reg(_?strength|_?param)?$|lambd|penalty|l2_|reg_|"
    r"keep_?prob|beta|eps|momentum|decay|norm$|^t$|data_?loss|derivative|_deriv$|_prime$|_delta$",
    re.IGNORECASE,
)


RATES = re.compile(r"(^|[^a-z])(lr|learning_?rate|alpha|eta|rate|step_?size|l_?rate)$", re.I)


def scalars_of(run: Run) -> dict[str, float]:
    """All single numbers that were seen in a run, by key; sums over calls as `Σ key`."""
    scalars: dict[str, float] = {}
    for slot in slots({k: v for k, v in run.names.items() if not k.startswith("__")}):
        if is_number(slot.value) or (
            isinstance(slot.value, np.ndarray)
            and slot.value.size == 1
            and slot.value.dtype.kind == "f"
        ):
            scalars[":" + slot.path] = float(np.reshape(slot.value, -1)[0])
    for key, value in run.values.items():
        if is_numeric(value) and np.size(value) == 1 and "#" not in key:
            last = value
            scalars[key] = float(np.reshape(last, -1)[0])
    for key, total in run.sums.items():
        if f"{key}#2" in run.values or re.sub(r"^([^:(]+)", r"\1#2", key) in run.values:
            scalars["Σ " + key] = total
    return scalars


VALUES = re.compile(
    "data|values?|val|item|array|arr|valeur|donnees|wert|daten|valore?|dato|datos|dados?|"
    "值|数据|数值|値|データ|값|데이터"
)
"""How objects call the number that they hold."""


@cache
def word_of(key: str) -> str:
    """The name in a key that says what it is."""
    word = key.removeprefix("Σ ")
    if word.startswith(("print(", "append(")):
        return word
    if "()" in word:
        head = word.split("()")[0]
        return head.split(".")[-1]
    parts = re.sub(r"\[['\"]?(\w+)['\"]?\]$", r".\1", word.split(":")[-1]).split(".")
    return parts[-2] if len(parts) > 1 and VALUES.fullmatch(parts[-1]) else parts[-1]


@cache
def loss_rank(key: str) -> int:
    """How much a name looks like that of a loss: 3 surely, 0 not at all."""
    word = word_of(key)
    if word.startswith(("print(", "append(")):
        inner = word.split("(", 1)[1]
        if re.search(r"acc|==|argmax|\bround\(|\bint\(", inner):
            return 0  # no slope is to be had of what is rounded
        return 2 if re.match(r"[\w.]*(loss|cost|objective)\w*\(", inner, re.I) else 1
    if LOSS.search(word) and not NO_LOSS.search(word):
        return 3
    if NO_LOSS.search(word):
        return 0
    return 2 if PARTIAL.search(word) else 0


def shown(key: str) -> str:
    """A key in words."""
    word = key.removeprefix("Σ ")
    return word[1:] if word.startswith(":") else word.replace(":", ", ")


@cache
def plain(name: str) -> str:
    """A name without all that differs from one student to the next."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def leaf(path: str) -> tuple[str, str]:
    """The last part of a path and all before it: ("W1", "net.params"), ("[0]", "weights")."""
    match = re.match(r"^(.*?)(?:\.(\w+)|\[['\"]?([\w ]+)['\"]?\])$", path)
    if not match:
        return path, ""
    return match[2] or match[3], match[1]


DERIVATIVE = (
    r"(?:dldj|djd|dld|dcd|dlossd|dcostd|ded|dj|dl|dloss|dcost|d|gradients?|grads?|grad|g|nabla|"
    r"delta|derivative|partial)"
)


GRADIENTS = re.compile(
    r"grad|delta|nabla|deriv|^(d|g)(s|w|b|ws|bs|p|params?|parameters?|weights?|theta|l)?$"
)
"""How students call what holds gradients by the names of their weights."""


def _nested(path: str) -> tuple[str, str]:
    """The name and the indices of an entry: ("params", "[1][0]")."""
    match = re.match(r"^(.*?)((?:\[\d+\])+)$", path)
    return (match[1], match[2]) if match else (path, "")


@cache
def likeness(path: str, key: str) -> int:
    """How much a key looks like the gradient of what is at a path; 0 for not at all."""
    name, around = leaf(path)
    gname, garound = leaf(key.split(":")[-1] if ":" in key else key.split("()")[-1] or key)
    p, g = plain(name), plain(gname)
    if key == ":" + path:
        return 0
    if VALUES.fullmatch(name):  # an object that holds a number and its gradient
        return 10 if gname == "grad" and garound == around else 0
    if name.isdigit():
        (root, index), (groot, gindex) = (_nested(p) for p in (path, key.split(":")[-1]))
        last, holder = leaf(groot)
        of_it = around.endswith("]") and re.search(rf"^(?!dat|doc|digit){DERIVATIVE}", plain(last))
        held = plain(last) == plain(leaf(root)[0]) and GRADIENTS.search(plain(leaf(holder)[0]))
        if index == gindex and root != groot and (of_it or held):
            return 9  # params[1][0] and grads[1][0], w[1][0] and grads["w"][1][0]
    if name.isdigit():  # weights[0] and nabla_w[0], dW[0]
        owner, gowner = plain(leaf(around)[0]), plain(leaf(garound)[0] if garound else "")
        if gname != name or owner == gowner:
            return 0
        for short in {owner, owner[:1], owner.rstrip("s"), owner[:1] + "s"}:
            if re.fullmatch(
                rf"{DERIVATIVE}+{re.escape(short)}|{re.escape(short)}{DERIVATIVE}", gowner
            ):
                return 9
        if re.fullmatch(rf"{DERIVATIVE}+s?", gowner):
            return 6
        return 0
    if re.fullmatch(
        rf"{DERIVATIVE}+{re.escape(p)}|{re.escape(p)}(gradients?|grads?|g|derivative)", g
    ):
        same = plain(around) == plain(garound)
        return 9 + same
    if p == g and GRADIENTS.search(plain(leaf(garound)[0] if garound else "")):
        return 9
    root, _, rest = path.partition("[")
    groot, _, grest = key.split(":")[-1].partition("[")
    if rest and rest == grest and root != groot and GRADIENTS.search(plain(groot)):
        return 9  # net['layer1']['W'] and grads['layer1']['W']
    short = p.rstrip("0123456789")
    if g in ("grad", "gradient", "g", "dtheta", "dw", "dx", "delta", "gradw") and short in (
        "w",
        "theta",
        "x",
        "weights",
        "params",
        "beta",
        "wt",
        "thetas",
        "parameters",
    ):
        return 4
    if re.fullmatch(r"grads?|gradients?|g|derivatives?", g):
        return 3
    if re.fullmatch(rf"{DERIVATIVE}+{re.escape(p[:1])}", g) and len(p) > 2:
        return 5
    return 0


def label_of(path: str, others: Sequence[str]) -> str:
    """The short name of a path, if no other has it."""
    name, _around = leaf(path)
    if name.isdigit() or [leaf(o)[0] for o in others].count(name) > 1:
        short = re.sub(rf"{CELLS}\((.*?)\)(?=\[')", r"\1", path)
        short = re.sub(r"^(self|net|nn|model|network|mlp)\.", "", short)
        return re.sub(r"\[['\"](\w+)['\"]\]", r".\1", short) if "['" in short else short
    return name


def arrays_in(run: Run) -> dict[str, Any]:
    """All arrays that were seen in a run."""
    own = {k: v for k, v in run.names.items() if not k.startswith("__")}
    values = {":" + s.path: s.value for s in slots(own)}
    for name, value in own.items():  # under a second name, too, as after db1 = delta1
        if isinstance(value, np.ndarray):
            values.setdefault(":" + name, value)
    values.update({k: v for k, v in run.values.items() if is_numeric(v)})
    return {k: np.asarray(v) if isinstance(v, np.ndarray) else v for k, v in values.items()}


def everything(
    run: Run, wanted: str = "", among: Collection[str] | None = None
) -> dict[str, float]:
    """All numbers of a run, and those that it implies: ½ Σ v² of its arrays, cross-entropies.

    `wanted` is the one that is asked for, so that not all pairs of arrays are gone through;
    `among` has several, of which those that two arrays imply are looked for alone.
    """
    sums = scalars_of(run)
    for key, half in run.halves.items():
        if ERRORS.search(word_of(key)):
            sums[f"½ Σ {key}²"] = half
    data = {k: v for k, v in run.names.items() if not k.startswith("__")}
    arrays = arrays_in(run)
    for key, value in arrays.items():
        if key.startswith(":") and isinstance(value, np.ndarray) and value.size > 1:
            if value.dtype.kind == "f" and ERRORS.search(word_of(key)):
                sums[f"½ Σ {key}²"] = 0.5 * float((value**2).sum())
        elif key.startswith(":") and is_number(value) and ERRORS.search(word_of(key)):
            sums[f"½ Σ {key}²"] = 0.5 * float(value) ** 2
    targets, inputs = _targets(run, data, TARGETS), _targets(run, data, INPUTS)
    numbers = {
        k: float(v)
        for k, v in arrays.items()
        if isinstance(v, (int, float, np.number)) and "#" not in k
    }
    data_numbers = {":" + k: v for k, v in data.items() if isinstance(v, (int, np.integer))}
    for name, t in {**{k: v for k, v in numbers.items() if k[0] == ":"}, **data_numbers}.items():
        if TARGETS.match(word_of(name)) and not NO_TARGET.search(name):
            for key, p in numbers.items():
                if OUTPUTS.search(word_of(key)) and not re.match("d|grad", word_of(key)):
                    sums[f"½ Σ ({key} − {name})²"] = 0.5 * (p - float(t)) ** 2
    sums.update(_differences(arrays, targets))
    sums.update(_of_residuals(arrays))
    for key, p in list(arrays.items()):
        if not isinstance(p, np.ndarray) or p.dtype.kind != "f" or "#" in key:
            continue
        if (wanted and key not in wanted) or NO_OUTPUT.match(key.split(":")[-1]):
            continue
        if OF_SLOPE.search(key):
            continue
        for name, rows in (inputs if RECONSTRUCTED.search(key) else targets).items():
            if wanted and name not in wanted:
                continue
            forms = _forms(key, name)
            if among is None or any(form in among for form in forms):
                sums.update(_implied(key, p, name, rows))
            if among is None or any(form + OVER_CALLS in among for form in forms):
                sums.update(_over_calls(key, name, arrays))
    return sums


OVER_CALLS = ", over all calls"
"""What ends the key of a loss that is added up over the samples of a pass."""


@cache
def of_call(key: str, number: int) -> str:
    """The key of what a later call of the same function had there."""
    return re.sub(r"^([^:(#]+)(?=:|\(\))", rf"\1#{number}", key)


def _over_calls(key: str, name: str, arrays: Mapping[str, Any]) -> dict[str, float]:
    """The losses that outputs and targets imply, added up where a call has one sample."""
    sums: dict[str, float] = {}
    number = 1
    while True:
        number += 1
        keys = [of_call(k, number) for k in (key, name)]
        if keys[0] == key or keys[1] == name or not all(k in arrays for k in keys):
            break
        if number == 2:
            sums = _implied(key, arrays[key], name, arrays[name])
        p, t = (arrays[k] for k in keys)
        if not all(isinstance(v, np.ndarray) for v in (p, t)):
            break
        losses = _implied(key, p, name, t)
        sums = {k: v + losses[k] for k, v in sums.items() if k in losses}
    return {k + OVER_CALLS: v for k, v in sums.items()} if number > 2 else {}


def _differences(arrays: Mapping[str, Any], targets: Mapping[str, Array]) -> dict[str, float]:
    """½ v² of single numbers called an error that are no loss: an output less its target."""
    single = {k: float(np.reshape(v, -1)[0]) for k, v in arrays.items() if np.size(v) == 1}
    rows = [np.reshape(t, -1)[:4000].astype(float) for t in targets.values()]  # y, or a y[i] of it
    wanted = np.concatenate([np.empty(0), *rows])
    sums = {}
    for key, v in single.items():
        if "#" in key or not RAW.match(word_of(key)):
            continue
        for other, p in single.items():
            owner = leaf(other.split(":")[-1])[1]
            output = OUTPUTS.search(word_of(other)) or re.search(
                r"^(a|acts?\w*|layers?)$", owner, re.I
            )
            if output and np.any(np.abs(np.abs(p - wanted) - abs(v)) <= 1e-12):
                sums[f"½ Σ |{key}|²"] = 0.5 * v * v
                break
    return sums


def _of_residuals(arrays: Mapping[str, Any]) -> dict[str, float]:
    """Cross-entropies of p and t where only p − t has a name, and t is of zeros and ones."""
    floats = {
        k: v
        for k, v in arrays.items()
        if isinstance(v, np.ndarray) and v.dtype.kind == "f" and 1 < v.size <= 4000 and "#" not in k
    }
    errors = {k: v for k, v in floats.items() if ERRORS.search(word_of(k))}
    sums = {}
    for key, p in floats.items():
        if not OUTPUTS.search(word_of(key)) or not np.all((p > 0) & (p < 1)):
            continue
        for error, d in errors.items():
            if d.shape != p.shape:
                continue
            t = np.rint(p - d)
            if np.abs(p - d - t).max() < 1e-9 and np.isin(t, (0, 1)).all():
                binary = -float((t * np.log(p) + (1 - t) * np.log(1 - p)).sum())
                sums[f"−Σ (t log {key} + …), t = {key} − {error}"] = binary
                sums[f"−Σ log {key} at t = {key} − {error}"] = -float((t * np.log(p)).sum())
                break
    return sums


RAW = re.compile(r"^(e|err|error|fehler|误差|diff|difference|output_error)\d?$", re.IGNORECASE)


ERRORS = re.compile(
    r"err|fehler|误差|diff|delta|resid|cost|loss|^[er]\d?$|^dz\d?$|^d\d?$", re.IGNORECASE
)


TARGETS = re.compile(
    r"^((y|targets?|labels?|lab|lbls?|one_?hot|expected|desired|truth)(_?\w*)?|t(_\w*|\d*|s|b|i|r|train\w*|true\w*)?)$",
    re.IGNORECASE,
)


RECONSTRUCTED = re.compile(r"(recon|decoded|x_?hat)[^:]*$", re.IGNORECASE)
"""Outputs of an autoencoder, which are held to what goes in."""

INPUTS = re.compile(r"^(x|inputs?|data|images?|samples?|batch)(_?\w*)?$", re.IGNORECASE)

NO_TARGET = re.compile(r"test|val|pred|hat|out|prob|delta|theta|total|time", re.IGNORECASE)


NO_OUTPUT = re.compile(r"(self\.)?(d_?[wbzahxy]s?\d?|nabla\w*|grads?\w*|deltas?\w*)(\[.*)?$", re.I)
"""Gradients: no loss holds them to the targets."""


OF_SLOPE = re.compile(r"(deriv|prime|(^|\.)d_?(sig|tanh|relu|act|soft))\w*(:|\()", re.I)
"""What a function has and gives that is the derivative of an activation: no outputs, no targets."""


OUTPUTS = re.compile(r"pred|out|hat|^o\d?$|^p$|^a\d?$|prob|^h\d?$", re.IGNORECASE)


def _targets(run: Run, data: Mapping[str, Any], named: re.Pattern[str]) -> dict[str, Array]:
    arrays = {}
    for slot in slots(data):
        name = leaf(slot.path)[0]
        fitting = named.match(name) and not NO_TARGET.search(name)
        if isinstance(slot.value, np.ndarray) and fitting and slot.value.size <= 4000:
            arrays[slot.path] = slot.array
    for key, value in run.values.items():
        fitting = named.match(word_of(key)) and not NO_TARGET.search(key) and "#" not in key
        fitting = fitting and not OF_SLOPE.search(key)
        if ":" in key and isinstance(value, np.ndarray) and fitting:
            arrays.setdefault(key, np.asarray(value))
    return dict(list(arrays.items())[:8])


@cache
def _forms(key: str, name: str) -> tuple[str, str, str]:
    """The losses by which outputs and targets are held together: squares, two cross-entropies."""
    return (
        f"½ Σ ({key} − {name})²",
        f"−Σ log {key} at {name}",
        f"−Σ ({name} log {key} + …)",
    )


def _implied(key: str, p: Array, name: str, t: Array) -> dict[str, float]:
    """The losses that p and t are usually held together by."""
    sums = {}
    squares, chosen, binary = _forms(key, name)
    if p.shape == t.shape and t is not p and p.size <= 4000:
        sums[squares] = 0.5 * float(((p - t) ** 2).sum())
    inside = p.size and np.all((p > 0) & (p < 1))
    if not inside:
        return sums
    if p.shape == t.shape and np.isin(t, (0, 1)).all():
        sums[chosen] = -float((t * np.log(p)).sum())
        sums[binary] = -float((t * np.log(p) + (1 - t) * np.log(1 - p)).sum())
    if p.ndim == 2 and t.ndim == 1 and t.dtype.kind in "iu" and len(t) in p.shape:
        q = p if len(p) == len(t) else p.T
        if t.min() >= 0 and t.max() < q.shape[1]:
            sums[chosen] = -float(np.log(q[np.arange(len(t)), t]).sum())
    return sums


def everything_value(run: Run, key: str) -> float:
    """A number of a run by its key, or 0."""
    value = run.get(key)
    return float(np.reshape(value, -1)[0]) if value is not None and np.size(value) == 1 else 0.0


def rates_of(run: Run) -> list[float]:
    """Numbers that are called a learning rate."""
    return [v for k, v in scalars_of(run).items() if RATES.search(word_of(k)) and v]
