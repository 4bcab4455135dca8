"""Mistakes that are made where a kernel slides over an image: convolution and pooling.

A mistake is made on purpose, and what is measured then is held against what the code gives: the
kernel is flipped, the numbers of a patch are read in another order, the border is left out, the
gradient is moved by a pixel. Where the two agree in every entry, that is the mistake.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator

import numpy as np

from minnet.foundation.checks import Array, Shape
from minnet.teaching.gradients.evidence import View, near, ratio
from minnet.teaching.gradients.report import GradientFinding
from minnet.teaching.gradients.scenes import PRISTINE, Scene, StepScene

FIRST = 14
"""Entries that a suspicion is tried on before it is held to all."""

WHOLE = 800
"""A kernel with more numbers is not measured whole."""

WINDOW = 100
"""Entries of x that a pooled output may have had a share of."""

MOVED = 3
"""Pixels that a gradient may be moved by."""

Change = Callable[[Array], Array]


def about_images(view: View, where: str) -> GradientFinding | None:
    """What is wrong with a gradient of a layer on images, or None."""
    scene = view.scene
    if not isinstance(scene, StepScene) or scene.x.ndim < 3 or scene.y.ndim < 3:
        return None
    if view.variable == "x":
        return (
            _of_kernel_back(view, scene, where)
            or _moved(view, where)
            or _pooled(view, scene, where)
            or _outputs_left_out(view, where)
            or _another_order(view, where)
        )
    return (
        _of_kernel(view, scene, where)
        or _outputs_left_out(view, where)
        or _another_order(view, where)
    )


def _asked(view: View) -> list[Array] | None:
    """What the code gives for both gradients from above, whole."""
    answers = [view.ask(dy, PRISTINE) for dy in view.dys]
    return [a for a in answers if a is not None] if all(a is not None for a in answers) else None


def spatial(ndim: int) -> list[tuple[int, ...]]:
    """The axes of height and width of a batch of images, channels last and channels first."""
    return [tuple(range(1, ndim - 1)), tuple(range(2, ndim))]


# --- the kernel -----------------------------------------------------------------------------------


AXES: dict[str, tuple[str, ...]] = {
    "last": ("height", "width", "channels", "filters"),
    "first": ("filters", "channels", "height", "width"),
}
"""What the axes of a kernel are, where channels come last in x and where they come first."""


def layouts(kernel: Shape, x: Shape, y: Shape) -> list[tuple[str, ...]]:
    """The names of a kernel's axes: both ways where the shapes do not tell channels first or last.

    With one axis of places it is their length.
    """
    fits = {
        "last": kernel[-2:] == (x[-1], y[-1]),
        "first": kernel[:2] == (y[1], x[1]),
    }
    chosen = [way for way, fit in fits.items() if fit] or list(fits)
    names = [AXES[way] for way in chosen]
    if len(kernel) == 3:
        names = [tuple("length" if n == "height" else n for n in w if n != "width") for w in names]
    return names if len(kernel) in (3, 4) else []


def kernel_changes(shape: Shape, layouts: list[tuple[str, ...]]) -> Iterator[tuple[str, Change]]:
    """What is done to a kernel by mistake, with words that say it of the gradient."""
    for names in layouts:
        across = tuple(i for i, name in enumerate(names) if name not in ("channels", "filters"))
        turned = ", ".join("::-1" if i in across else ":" for i in range(len(shape)))
        yield (
            f"it is what belongs to the kernel turned by 180°, W[{turned}]: the kernel is not "
            "flipped where it should be, or is where it should not be. Forward lays the kernel "
            "over x as it is; on the way back each dy goes to where its patch was, which is a "
            "convolution of dy with the kernel flipped along its places",
            _flipped(across),
        )
        for axis in across if len(across) > 1 else ():
            yield f"the kernel is turned round along its {names[axis]}", _flipped((axis,))
        if len(across) == 2 and shape[across[0]] == shape[across[1]]:
            yield (
                "height and width of the kernel are exchanged. Read the numbers of a patch in the "
                "order in which forward laid them out, height first",
                _swapped(*across),
            )
        c, f = (names.index(n) if n in names else -1 for n in ("channels", "filters"))
        if c >= 0 and f >= 0 and shape[c] == shape[f]:
            yield (
                "the channels of the input and the filters are exchanged in the kernel",
                _swapped(c, f),
            )
        kept = tuple(i for i, name in enumerate(names) if name != "filters")
        for order in itertools.permutations(kept):
            if order != kept:
                laid, read = (", ".join(names[i] for i in axes) for axes in (kept, order))
                words = (
                    "the numbers of a patch are in the wrong order: forward lays them out by "
                    f"{laid}, and here they are taken as if by {read}. Reshape to the shape that "
                    "they were laid out in, and transpose after that"
                )
                yield words, _read_in(order, kept, shape)
                yield words, _laid_out_in(order, kept, shape)


def _flipped(axes: tuple[int, ...]) -> Change:
    return lambda kernel: np.flip(kernel, axes)


def _swapped(a: int, b: int) -> Change:
    return lambda kernel: np.swapaxes(kernel, a, b)


def _orders(order: tuple[int, ...], kept: tuple[int, ...], n: int) -> tuple[int, ...]:
    """The order of all axes where those of the patch stand in another."""
    axes = list(range(n))
    axes[kept[0] : kept[-1] + 1] = order
    return tuple(axes)


def _read_in(order: tuple[int, ...], kept: tuple[int, ...], shape: Shape) -> Change:
    whole = _orders(order, kept, len(shape))
    turned = [shape[axis] for axis in whole]
    return lambda kernel: kernel.reshape(turned).transpose(np.argsort(whole))


def _laid_out_in(order: tuple[int, ...], kept: tuple[int, ...], shape: Shape) -> Change:
    whole = _orders(order, kept, len(shape))
    return lambda kernel: kernel.transpose(whole).reshape(shape)


def _of_kernel_back(view: View, scene: StepScene, where: str) -> GradientFinding | None:
    """dx with the kernel changed: measured with that kernel, and given by the code for this one."""
    answers = _asked(view)
    if answers is None:
        return None
    for name in scene.step.parameters:
        kernel = getattr(scene.after, name)
        if kernel.ndim != scene.x.ndim:
            continue
        for words, change in _distinct(kernel, scene):
            if _is_that_of(view, _with_kernel(scene, name, change(kernel)), answers):
                return GradientFinding("wrong", where, f"{words}.")
    return None


def _distinct(kernel: Array, scene: StepScene) -> Iterator[tuple[str, Change]]:
    """The changes that make another kernel of the same shape, each once."""
    seen = [kernel]
    names = layouts(kernel.shape, scene.x.shape, scene.y.shape)
    for words, change in kernel_changes(kernel.shape, names):
        other = change(kernel)
        if other.shape == kernel.shape and not any(np.array_equal(other, k) for k in seen):
            seen.append(np.array(other))
            yield words, change


def _with_kernel(scene: StepScene, name: str, kernel: Array) -> StepScene:
    other = copy.copy(scene)
    other.after = scene.after.copy()
    getattr(other.after, name)[...] = kernel
    return other


def _is_that_of(view: View, scene: Scene, answers: list[Array]) -> bool:
    """Whether the code's gradients are those that are measured of another scene."""
    few = np.linspace(0, len(view.index) - 1, min(FIRST, len(view.index))).astype(int)
    for chosen in (view.index[few], view.index):
        other = View(scene, view.variable, np.random.default_rng(0))
        other.index, other.dys = chosen, view.dys
        for a, dy in zip(answers, view.dys, strict=True):
            if ratio(other.at(a), other.numerical(dy), view.tolerance) is None:
                return False
    return True


def _of_kernel(view: View, scene: StepScene, where: str) -> GradientFinding | None:
    """dW with its numbers elsewhere: a kernel that was changed."""
    answers = _asked(view)
    if answers is None or len(view.shape) != scene.y.ndim or int(np.prod(view.shape)) > WHOLE:
        return None
    whole = _whole(view)
    measured = [(whole.jacobian @ dy.ravel()).reshape(view.shape) for dy in view.dys]
    for words, change in _distinct(measured[0], scene):
        if all(
            ratio(a.ravel(), np.ravel(change(n)), view.tolerance)
            for a, n in zip(answers, measured, strict=True)
        ):
            return GradientFinding("wrong", where, f"{words}.")
    return None


def _whole(view: View) -> View:
    """The array, measured in all of its entries."""
    whole = View(view.scene, view.variable, np.random.default_rng(0))
    whole.index, whole.dys = np.arange(int(np.prod(view.shape))), view.dys
    return whole


# --- dy -------------------------------------------------------------------------------------------


def _masks(shape: Shape) -> Iterator[tuple[str, Array]]:
    """Outputs that may alone have got into a gradient, with what that means."""
    for axes in spatial(len(shape)):
        for margins in itertools.product(range(3), repeat=2 * len(axes)):
            mask = np.zeros(shape)
            inner = [slice(None)] * len(shape)
            for axis, before, after in zip(axes, margins[::2], margins[1::2], strict=True):
                inner[axis] = slice(before, shape[axis] - after)
            mask[tuple(inner)] = 1.0
            yield (
                f"the outputs within {max(margins)} of the border are left out, which is where "
                "the patches reach into the padding: forward pads x, and here x is taken without "
                "its padding. Pad it in the same way first",
                mask,
            )
        for index, name in ((-1, "last"), (0, "first")):
            mask = np.zeros(shape)
            one = [slice(None) if axis not in axes else index for axis in range(len(shape))]
            mask[tuple(one)] = 1.0
            yield (
                f"only the outputs at the {name} place of the image are in it, and the sum over "
                "the others is missing: add each place's share (+= in a loop), or sum over height "
                "and width as well as over the rows",
                mask,
            )
            for axis in axes if len(axes) > 1 else ():
                mask = np.zeros(shape)
                line = [slice(None)] * len(shape)
                line[axis] = slice(index, None if index < 0 else 1)
                mask[tuple(line)] = 1.0
                yield (
                    f"only the {name} line along axis {axis} of dy is in it, and the sum over the "
                    "others is missing: sum over height and width as well as over the rows",
                    mask,
                )
    for row, name in ((-1, "last"), (0, "first")):
        mask = np.zeros(shape)
        mask[row] = 1.0
        yield (
            f"only the {name} row of the batch is in it, and the sum over the others is missing: "
            "add each row's share (+= in a loop)",
            mask,
        )


def _outputs_left_out(view: View, where: str) -> GradientFinding | None:
    """Whether only some of the outputs got into it."""
    answers = _asked(view)
    if answers is None:
        return None
    for words, mask in _masks(view.scene.y.shape):
        if mask.all() or not mask.any():
            continue
        if all(
            _same(view, a, view.numerical(dy * mask))
            for a, dy in zip(answers, view.dys, strict=True)
        ):
            kind = "wrong" if "padding" in words else "bias-not-summed"
            return GradientFinding(kind, where, f"{words}.")
    return None


def _same(view: View, gradient: Array, n: Array) -> bool:
    size = float(np.abs(n).max(initial=0.0))
    return size > 0.0 and near(view.at(gradient), n, size, view.tolerance)


def _another_order(view: View, where: str) -> GradientFinding | None:
    """Whether dy was laid out in another order than the patches."""
    answers = _asked(view)
    if answers is None:
        return None
    shape = view.scene.y.shape
    plain = tuple(range(len(shape)))
    for order in itertools.permutations(plain):
        if order == plain:
            continue
        for change in (_read_in(order, plain, shape), _laid_out_in(order, plain, shape)):
            turned = [change(dy) for dy in view.dys]
            if all(t.shape == shape for t in turned) and all(
                ratio(view.at(a), view.numerical(t), view.tolerance) is not None
                for a, t in zip(answers, turned, strict=True)
            ):
                return GradientFinding(
                    "wrong",
                    where,
                    "the rows of patches and those of dy are in different orders: dy "
                    f"{shape} is laid out by its axes {plain}, and is taken here as if by "
                    f"{order}. Reshape both in the order in which forward made the patches.",
                )
    return None


# --- x --------------------------------------------------------------------------------------------


def _moved(view: View, where: str) -> GradientFinding | None:
    """Whether dx is right but for some pixels that it is moved by: padding cut at the wrong end."""
    answers = _asked(view)
    if answers is None:
        return None
    positions = np.array(view.positions)[view.use]
    for axes in spatial(len(view.shape)):
        for steps in itertools.product(range(-MOVED, MOVED + 1), repeat=len(axes)):
            if not any(steps):
                continue
            there = positions.copy()
            there[:, axes] += steps
            inside = np.all((there >= 0) & (there < view.shape), axis=1)
            if inside.sum() < max(8, len(positions) // 4):
                continue
            at = tuple(there[inside].T)
            if all(
                ratio(a[at], view.numerical(dy)[inside], view.tolerance) is not None
                for a, dy in zip(answers, view.dys, strict=True)
            ):
                return GradientFinding(
                    "wrong",
                    where,
                    f"it is the right gradient, moved by {steps} along the axes {axes}: the "
                    "padding of the forward pass is forgotten on the way back. Of the gradient of "
                    "the padded x the margin belongs cut off on every side: "
                    f"{_cut(steps, axes, view.shape)}.",
                )
    return None


def _cut(steps: tuple[int, ...], axes: tuple[int, ...], shape: Shape) -> str:
    """The slice that takes the margin off."""
    parts = [":"] * len(shape)
    for step, axis in zip(steps, axes, strict=True):
        parts[axis] = f"{max(step, 0)}:{max(step, 0) + shape[axis]}" if step > 0 else "…"
    return f"dx = padded[{', '.join(parts)}]"


def margin_kept(view: View, gradient: Array, dy: Array) -> str:
    """What is wrong with a gradient that is larger than x by the same margin on every side."""
    extra = np.subtract(gradient.shape, view.shape) if gradient.ndim == len(view.shape) else ()
    if gradient.ndim < 3 or not np.any(extra) or np.any(np.less(extra, 0)):
        return ""
    for before in itertools.product(*({0, int(e) // 2, int(e)} for e in extra)):
        cut = tuple(slice(b, b + n) for b, n in zip(before, view.shape, strict=True))
        if ratio(view.at(gradient[cut]), view.numerical(dy), view.tolerance) is not None:
            parts = ", ".join(
                ":" if e == 0 else f"{b}:{b + n}"
                for b, n, e in zip(before, view.shape, extra, strict=True)
            )
            return (
                "it is the gradient of the padded x, and its margin is still on: the padding of "
                f"the forward pass is forgotten on the way back. Cut it off: dx[{parts}]"
            )
    return ""


def _pooled(view: View, scene: StepScene, where: str) -> GradientFinding | None:
    """Whether dy is handed to other entries of a window than those that made the output."""
    if scene.step.parameters:
        return None
    rng = np.random.default_rng(2)
    size = scene.y.size
    kinds = []
    for output in rng.choice(size, min(6, size), replace=False):
        dy = (np.arange(size) == output).astype(np.float64).reshape(scene.y.shape)
        a = view.ask(dy, PRISTINE)
        if a is None:
            return None
        given = np.flatnonzero(a.ravel())
        kinds.append(_share(view, a.ravel(), given, int(output)))
    wrong = {kind for kind in kinds if kind != "right"}
    if len(wrong) != 1 or None in wrong:
        return None
    return GradientFinding("wrong", where, POOLED[str(wrong.pop())])


POOLED = {
    "mean for max": (
        "the mean's way back stands where that of the maximum belongs: dy is shared out over the "
        "whole window, and the output depends on its largest entry alone. Hand all of dy to where "
        "the maximum was, and nothing to the others."
    ),
    "all for max": (
        "dy is handed to every entry of the window, and the output depends on the largest alone. "
        "Hand it to where the maximum was, and nothing to the others."
    ),
    "max for mean": (
        "the maximum's way back stands where that of the mean belongs: all of dy goes to one entry "
        "of the window, and the output depends on each of them alike. Give each dy / n, where n is "
        "the size of the window."
    ),
    "elsewhere": (
        "dy goes to one entry of the window, but not to the one that was the largest. Take the "
        "place of the maximum in the same window that forward took it of."
    ),
}
"""What is said of the ways in which pooling goes wrong."""


def _share(view: View, a: Array, given: Array, output: int) -> str | None:
    """How one output's dy was shared out, beside how the output depends on these entries."""
    if not 0 < len(given) <= WINDOW:
        return None
    other = View(view.scene, "x", np.random.default_rng(0))
    other.index, other.dys = given, view.dys
    j, mine = other.jacobian[:, output], a[given]
    ones = np.isclose(j, 1.0, atol=1e-6)
    alike = np.allclose(mine, mine[0], atol=1e-9)
    if len(given) == 1:
        if np.isclose(mine[0], 1.0) and 1e-3 < j[0] < 0.9:
            return "max for mean"
        if np.isclose(mine[0], 1.0) and np.isclose(j[0], 1.0):
            return "right"
        return "elsewhere" if np.isclose(mine[0], 1.0) and abs(j[0]) < 1e-6 else None
    if alike and ones.sum() == 1 and np.allclose(j[~ones], 0.0, atol=1e-6):
        if np.isclose(mine[0], 1.0 / len(given)):
            return "mean for max"
        return "all for max" if np.isclose(mine[0], 1.0) else None
    return None
