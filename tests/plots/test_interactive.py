"""The playground runs the model itself: its numbers, and those of its drawings, are Python's."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import minnet
from minnet import Sequential
from minnet.layers import (
    ELU,
    GELU,
    SELU,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Exponential,
    Flatten,
    GaussianNoise,
    GlobalAveragePooling2D,
    HardSigmoid,
    HardSiLU,
    Layer,
    LeakyReLU,
    Linear,
    MaxPooling2D,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Rescaling,
    Reshape,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from minnet.plots import playground
from minnet.pretrained.mnist_8x8 import preprocess

RIGHT = "\ue014"


def plane(last="softmax", units=3):
    model = Sequential([Dense(6, "sigmoid", input_dim=2), Dense(units, last)], seed=0)
    x = np.random.default_rng(0).standard_normal((40, 2))
    return model, x, np.arange(40) % max(units, 2)


def digits():
    x, y, _, _ = minnet.datasets.digits()
    return minnet.load_pretrained("mnist-8x8"), x[:20], y[:20]


def image():
    return Sequential([Flatten(input_shape=(12, 12)), Dense(5, "softmax")], seed=0), None, None


def table():
    return Sequential([Dense(3, "relu", input_dim=4), Dense(1)], seed=0), None, None


def maps():
    model = minnet.load_pretrained("mnist-cnn")
    x, y, _, _ = minnet.datasets.glyphs("0123456789", 20, seed=0, n_test=1, size=28)
    return model, x.reshape(-1, 28, 28, 1), y


MAKERS = {"plane": plane, "digits": digits, "image": image, "table": table, "maps": maps}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("playgrounds")
    for name, make in MAKERS.items():
        model, x, y = make()
        playground(model, folder / f"{name}.html", x, y)
    return folder


def outputs(page, x):
    """All outputs of the model in the page."""
    code = "return playground.forward(arguments[0]).map((y) => [...y])"
    return page.run(code, np.ravel(x).astype(float).tolist())


# --- the file -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
def test_the_file_fetches_nothing(name, files):
    text = (files / f"{name}.html").read_text("utf-8")
    assert "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "")
    assert re.findall(r'(?:src|href)="([^"]*)"', text) == ["data:,"]
    assert len(text) < (500_000 if name == "maps" else 400_000)


def test_the_words_of_a_student_stay_words(tmp_path):
    model = Sequential([Dense(2, input_dim=2)], seed=0, name="</script><b>x")
    playground(model, tmp_path / "p.html", class_names=["<i>", "</script>"])
    text = (tmp_path / "p.html").read_text("utf-8")
    assert text.count("</script>") == 2
    assert "<b>" not in text.partition('id="model">')[0]
    described = text.partition('id="model">')[2].partition("</script>")[0]
    assert json.loads(described)["classes"] == ["<i>", "</script>"]


def test_the_model_stays_as_it_is(tmp_path):
    model, x, y = plane()
    theta = model.theta.copy()
    playground(model, tmp_path / "p.html", x, y)
    assert np.array_equal(model.theta, theta)


class Own(Layer):
    def forward(self, x, memo=None):
        return x

    def backward(self, x, y, dy, memo=None):
        return dy


class OwnReLU(ReLU):
    def forward(self, x, memo=None):
        return np.maximum(x, 0) ** 2


@pytest.mark.parametrize(
    ("model", "arguments", "error", "message"),
    [
        (3, {}, TypeError, r"playground takes a model with predict"),
        (Sequential([Dense(2)]), {}, RuntimeError, r"playground takes a model that is built"),
        (Sequential([Dense(2, input_dim=50)], seed=0), {}, ValueError, r"Got 50 inputs"),
        (Sequential([Own(input_shape=2), Dense(2)], seed=0), {}, ValueError, r"a Own, which its"),
        (Sequential([OwnReLU(input_shape=2)], seed=0), {}, ValueError, r"a OwnReLU, which its"),
        (Sequential([Dense(2, input_dim=2)], seed=0), {"y": [1]}, ValueError, r"Got y alone"),
        (
            Sequential([Conv2D(2, 3, input_shape=(16, 16, 4)), Flatten(), Dense(2)], seed=0),
            {},  # 1,024 numbers, but no square image of one channel
            ValueError,
            r"square images, or of at most 40 inputs\. Got 1024 inputs",
        ),
        (
            Sequential([Dense(2, input_dim=2)], seed=0),
            {"x": np.ones((3, 3))},
            ValueError,
            r"playground takes shape \(N, 2\)",
        ),
        (
            Sequential([Dense(2, input_dim=2)], seed=0),
            {"drawing": "mnist"},
            ValueError,
            r"playground's drawing takes one of mnist-8x8",
        ),
        (
            Sequential([Dense(2, input_dim=2)], seed=0),
            {"drawing": "mnist-8x8"},
            ValueError,
            r"makes 64 numbers\. Got a model of 2 inputs",
        ),
    ],
)
def test_what_it_cannot_run_is_refused(model, arguments, error, message, tmp_path):
    with pytest.raises(error, match=message):
        playground(model, tmp_path / "p.html", **arguments)
    assert not list(tmp_path.iterdir())


def test_a_path_that_will_not_do_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"playground takes a path that ends in \.html"):
        playground(plane()[0], tmp_path / "p.txt")


# --- the numbers ----------------------------------------------------------------------------------


CURVES = [ReLU, LeakyReLU, ELU, SELU, Softplus, GELU, Sigmoid, Tanh, SiLU, Mish, ReLU6]
CURVES += [HardSigmoid, HardSiLU, Softsign, Exponential, PReLU, Linear, Softmax]


def nudge(model, rng):
    """Move every number away from where it starts; variances stay positive."""
    for name, array in model.named_arrays().items():
        noise = rng.standard_normal(array.shape).astype("float32")
        array += np.abs(noise) if "variance" in name else noise


def test_the_page_runs_every_layer_as_python_does(tmp_path, opened):
    rng = np.random.default_rng(0)
    for curve in CURVES:
        layers = [
            *(Reshape((5,), input_shape=(5, 1)), Rescaling(0.5, offset=0.2), Dense(7)),
            *(BatchNormalization(), curve(), Dropout(0.3), GaussianNoise(0.1), Dense(3)),
        ]
        model = Sequential(layers, seed=1)
        nudge(model, rng)
        playground(model, tmp_path / "p.html")
        page = opened(tmp_path / "p.html")
        for x in rng.standard_normal((5, 5, 1)).astype("float32"):
            ours = model.forward(x[None])
            for mine, its in zip(ours, outputs(page, x), strict=True):
                assert np.allclose(mine.ravel(), its, rtol=1e-5, atol=1e-5), curve.__name__
        assert page.errors() == []


IMAGE_LAYERS = {
    "windows side by side": lambda: [Conv2D(3, 2, 2), MaxPooling2D((1, 2))],
    "a margin, odd and even": lambda: [Conv2D(2, (3, 2), padding="same"), AveragePooling2D(2, 1)],
    "a margin in pooling": lambda: [
        Conv2D(2, 1, use_bias=False),
        MaxPooling2D(3, (2, 1), padding="same"),
        AveragePooling2D((2, 3), 2, padding="same"),
    ],
    "strides with a margin": lambda: [Conv2D(4, (3, 4), (2, 3), padding="same"), Tanh()],
    "statistics of channels": lambda: [Conv2D(3, 2), BatchNormalization(), ReLU()],
    "channels, and means of them": lambda: [
        *(Conv2D(3, 2, activation="relu"), PReLU(), Conv2D(2, (2, 1))),
        GlobalAveragePooling2D(),
    ],
}


@pytest.mark.parametrize("kind", IMAGE_LAYERS)
def test_the_page_runs_convolution_and_pooling_as_python_does(kind, tmp_path, opened):
    rng = np.random.default_rng(1)
    layers = [Rescaling(1.5, input_shape=(4, 5, 2)), *IMAGE_LAYERS[kind](), Flatten(), Dense(3)]
    model = Sequential(layers, seed=1)
    nudge(model, rng)
    playground(model, tmp_path / "p.html")
    page = opened(tmp_path / "p.html")
    for x in rng.standard_normal((5, 4, 5, 2)).astype("float32"):
        for mine, its in zip(model.forward(x[None]), outputs(page, x), strict=True):
            assert np.allclose(mine.ravel(), its, rtol=1e-5, atol=1e-5)
    assert page.errors() == []


def test_on_a_hundred_images_the_numbers_of_the_convolution_are_those_of_predict(files, opened):
    model = minnet.load_pretrained("mnist-cnn")
    x = minnet.datasets.glyphs("0123456789", 100, seed=1, n_test=1, size=28)[0]
    x = x.reshape(-1, 28, 28, 1)
    page = opened(files / "maps.html")
    for sample, prediction in zip(x, model.predict(x), strict=True):
        assert np.abs(outputs(page, sample)[-1] - prediction).max() <= 1e-5


def test_on_a_hundred_digits_the_numbers_are_those_of_predict(files, opened):
    model = minnet.load_pretrained("mnist-8x8")
    _, _, x, _ = minnet.datasets.digits()
    page = opened(files / "digits.html")
    for sample, prediction in zip(x[:100], model.predict(x[:100]), strict=True):
        assert np.abs(outputs(page, sample)[-1] - prediction).max() <= 1e-5


def strokes(seed, side=96):
    """A drawing: a few thick strokes, as a pointer makes them."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side] + 0.5
    paper = np.zeros((side, side))
    at = rng.uniform(15, side - 15, 2)
    for _ in range(rng.integers(1, 5)):
        to = rng.uniform(8, side - 8, 2)
        for share in np.linspace(0, 1, 60):
            r, c = at + share * (to - at)
            paper = np.maximum(paper, np.clip(4.5 - np.hypot(rows - r, columns - c), 0, 1))
        at = to
    return paper


@pytest.mark.parametrize(("height", "width"), [(64, 9), (64, 11), (1, 1), (5, 90), (90, 1)])
def test_blocks_become_the_same_input_as_in_python(height, width, files, opened):
    """Widths that end in one half are rounded to even, as Python does."""
    page = opened(files / "digits.html")
    paper = np.zeros((96, 96))
    paper[3 : 3 + height, 5 : 5 + width] = 1.0
    its = page.run(
        "playground.draw(arguments[0]); return playground.input()", paper.ravel().tolist()
    )
    assert np.array_equal(np.array(its, np.float32), preprocess(paper)[0])


def stretched_in_float64(ink, to):
    """The same interpolation of rows, computed apart and in more digits."""
    at = np.clip((np.arange(to) + 0.5) * len(ink) / to - 0.5, 0, len(ink) - 1)
    return np.stack([np.interp(at, np.arange(len(ink)), column) for column in ink.T], axis=1)


def test_masks_at_the_edge_of_the_threshold_are_cut_as_in_float32(files, opened):
    page = opened(files / "digits.html")
    rng, close = np.random.default_rng(0), 0
    while close < 5:
        height, width = rng.integers(2, 96, 2)
        ink = (rng.random((height, width)) < rng.random()).astype(float)
        ink[[0, -1], :] = ink[:, [0, -1]] = 1.0
        wide = max(4, min(32, round(32 * width / height)))
        sheet = stretched_in_float64(stretched_in_float64(ink, 32).T, wide).T
        if not ((np.abs(sheet - 0.5) < 1e-7) & (sheet != 0.5)).any():
            continue
        close += 1
        paper = np.zeros((96, 96))
        paper[:height, :width] = ink
        its = page.run(
            "playground.draw(arguments[0]); return playground.input()", paper.ravel().tolist()
        )
        assert np.array_equal(np.array(its, np.float32), preprocess(paper)[0])


@pytest.mark.parametrize(
    "seeds",
    [range(8), pytest.param(range(8, 100), marks=pytest.mark.slow)],
    ids=["a few", "a hundred"],
)
def test_drawings_become_the_same_input_as_in_python(seeds, files, opened):
    page = opened(files / "digits.html")
    code = "playground.draw(arguments[0]); return playground.input()"
    for seed in seeds:
        paper = strokes(seed)
        its = page.run(code, paper.ravel().tolist())
        assert np.array_equal(np.array(its, np.float32), preprocess(paper)[0]), seed


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "dark"), [("wide", False), ("wide", True), ("narrow", False), ("narrow", True)]
)
@pytest.mark.parametrize("name", MAKERS)
def test_a_playground_opens_without_a_fault(name, size, dark, files, opened):
    page = opened(files / f"{name}.html", size, dark=dark)
    page.one(".unit").click()
    assert page.errors() == []
    assert not page.overflows()
    assert page.all(".weights input")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dark"), [("plane", False), ("digits", True), ("table", False)])
def test_axe_finds_no_serious_fault(name, dark, files, opened):
    page = opened(files / f"{name}.html", dark=dark)
    page.one(".unit").click()
    assert page.faults() == []


def test_a_digit_is_drawn_with_the_pointer(files, opened):
    from selenium.webdriver import ActionChains

    page = opened(files / "digits.html")
    canvas = page.one("canvas")
    drag = ActionChains(page.browser).move_to_element_with_offset(canvas, -60, -90).click_and_hold()
    for by in ((120, 0), (-30, 60), (-30, 60), (-10, 60)):
        drag.move_by_offset(*by)
    drag.release().perform()
    assert page.one(".answers .top").text == "7"
    sent = np.array(page.run("return playground.input()"))
    prediction = minnet.load_pretrained("mnist-8x8").predict(sent[None])[0]
    assert prediction.argmax() == 7
    shown = [float(number.text) for number in page.all(".answers .number")]
    assert shown == pytest.approx(prediction.tolist(), abs=1e-4)


def test_the_point_in_the_plane_moves_by_pointer_and_by_keys(files, opened):
    from selenium.webdriver import ActionChains

    model, x, _ = plane()
    page = opened(files / "plane.html")
    low, high = x.min(axis=0), x.max(axis=0)
    low, high = low - (high - low) * 0.15, high + (high - low) * 0.15
    canvas = page.one("canvas")
    width = page.run("return arguments[0].getBoundingClientRect().width", canvas)
    ActionChains(page.browser).move_to_element_with_offset(canvas, 80, -40).click().perform()
    point = np.array(page.run("return playground.input()"))
    wanted = (low + high) / 2 + np.array([80, 40]) / width * (high - low)
    assert point == pytest.approx(wanted, abs=0.02)
    canvas.send_keys(RIGHT)
    moved = np.array(page.run("return playground.input()"))
    assert moved - point == pytest.approx([(high[0] - low[0]) / 50, 0], abs=1e-6)
    says = page.run("return playground.outputs().at(-1)")
    assert says == pytest.approx(model.predict(moved[None])[0].tolist(), abs=1e-5)


def test_a_weight_is_dragged_and_brought_back(files, opened):
    model, _, _ = plane()
    page = opened(files / "plane.html")
    before = page.run("return playground.outputs().at(-1)")
    page.all(".unit")[4].click()
    sliders = page.all(".weights input")
    assert len(sliders) == 3, "a bias and two weights"
    page.run(
        "arguments[0].value = 0.75; arguments[0].dispatchEvent(new Event('input'))", sliders[0]
    )
    model.layers[0].b[4] = 0.75
    x = np.array(page.run("return playground.input()"))
    says = page.run("return playground.outputs().at(-1)")
    assert says == pytest.approx(model.predict(x[None])[0].tolist(), abs=1e-5)
    assert says != pytest.approx(before, abs=1e-4)
    next(b for b in page.all("button") if b.text == "Its weights as trained").click()
    assert page.run("return playground.outputs().at(-1)") == pytest.approx(before, abs=1e-12)


def test_a_unit_is_switched_off_and_on(files, opened):
    model, _, _ = plane()
    page = opened(files / "plane.html")
    page.all(".unit")[2].click()
    page.one(".panel .row button").click()
    assert "switched off" in page.all(".unit")[2].get_attribute("title")
    x = np.array(page.run("return playground.input()"))
    hidden = model.features(x[None])
    hidden[0, 2] = 0.0
    wanted = model.run(hidden, start=2)[0]
    assert page.run("return playground.outputs().at(-1)") == pytest.approx(wanted, abs=1e-5)
    next(b for b in page.all("button") if b.text == "All as trained").click()
    assert page.run("return playground.outputs().at(-1)") == pytest.approx(
        model.predict(x[None])[0].tolist(), abs=1e-5
    )


def test_a_map_shows_its_filter_and_is_switched_off(files, opened):
    model, x, _ = maps()
    page = opened(files / "maps.html")
    next(b for b in page.all("button") if b.text == "Next sample").click()
    assert page.run("return playground.input()") == pytest.approx(x[0].ravel().tolist(), abs=1e-6)
    page.all(".map")[2].click()
    assert page.one(".panel h2").text == "conv2d_1, map 2"
    labels = [label.text for label in page.all(".weights label")]
    assert labels[0] == "b[2]"
    W = model.layers[0].W
    u, v, c = np.unravel_index(np.abs(W[..., 2]).argmax(), W.shape[:3])
    assert labels[1] == f"W[{u}, {v}, {c}, 2]"
    slider = page.all(".weights input")[1]
    page.run("arguments[0].value = 0.25; arguments[0].dispatchEvent(new Event('input'))", slider)
    says = page.run("return playground.outputs().at(-1)")
    W[u, v, c, 2] = 0.25
    assert says == pytest.approx(model.predict(x[:1])[0].tolist(), abs=1e-5)
    page.one(".panel .row button").click()
    assert "switched off" in page.all(".map")[2].get_attribute("title")
    W[..., 2], model.layers[0].b[2] = 0.0, 0.0
    says = page.run("return playground.outputs().at(-1)")
    assert says == pytest.approx(model.predict(x[:1])[0].tolist(), abs=1e-5)
    page.all(".map")[6 + 1].click()  # of the pooling: it has no weights of its own
    assert page.one(".panel h2").text == "max_pooling2d_1, map 1"
    assert page.all(".weights input") == []
    assert page.errors() == []


def test_samples_can_be_looked_at(files, opened):
    model, x, _ = digits()
    page = opened(files / "digits.html")
    following = next(b for b in page.all("button") if b.text == "Next sample")
    following.click()
    following.click()
    assert page.run("return playground.input()") == pytest.approx(x[1].tolist(), abs=1e-6)
    assert page.one(".answers .top").text == str(model.predict(x[1:2]).argmax())


def test_sliders_set_the_inputs_of_a_table(files, opened):
    model, _, _ = table()
    page = opened(files / "table.html")
    sliders = page.all(".sliders input")
    assert len(sliders) == 4
    page.run("arguments[0].value = 1.5; arguments[0].dispatchEvent(new Event('input'))", sliders[2])
    assert page.run("return playground.input()") == [0, 0, 1.5, 0]
    wanted = model.predict([[0, 0, 1.5, 0]])[0]
    assert page.run("return playground.outputs().at(-1)") == pytest.approx(wanted, abs=1e-5)
