"""One training step as an HTML file, gone through in a browser."""

from __future__ import annotations

import numpy as np
import pytest

from minnet import Sequential, explain_step
from minnet.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, ReLU
from tests.teaching.explain.test_renderings import explained

RIGHT, LEFT, HOME, END, TAB = "\ue014", "\ue012", "\ue011", "\ue010", "\ue004"
ENTER, DOWN = "\ue007", "\ue015"


def with_everything():
    """Batch norm, dropout, Adam and binary cross-entropy."""
    model = Sequential(
        [Dense(3), BatchNormalization(), ReLU(), Dropout(0.5), Dense(1, activation="sigmoid")],
        seed=0,
    )
    model.build((2,))
    model.compile("adam", "binary_crossentropy")
    x = np.random.default_rng(0).standard_normal((4, 2))
    return explain_step(model, x, [[0], [1], [1], [0]])


def for_mnist():
    model = Sequential(
        [Dense(32, activation="relu", input_dim=784), Dense(10, activation="softmax")], seed=0
    )
    model.compile("adam", "cross_entropy")
    return explain_step(model, np.random.default_rng(0).random((4, 784)), [1, 2, 3, 4])


MAKERS = {"2-3-2": explained, "everything": with_everything, "784-32-10": for_mnist}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("steps")
    for name, make in MAKERS.items():
        make().to_html(folder / f"{name}.html")
    return folder


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
@pytest.mark.parametrize("name", MAKERS)
def test_a_step_opens_without_a_fault(name, size, dark, files, opened):
    page = opened(files / f"{name}.html", size, dark=dark)
    assert page.errors() == []
    assert not page.overflows()
    assert len(page.all("section.now")) == 1
    page.press("a", "p")  # all blocks, with questions
    assert not page.overflows()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "dark"), [("2-3-2", "wide", False), ("everything", "narrow", True)]
)
def test_axe_finds_no_serious_fault(name, size, dark, files, opened):
    page = opened(files / f"{name}.html", size, dark=dark)
    assert page.faults() == []
    page.press("a", "p")
    assert page.faults() == []


def test_keys_and_buttons_go_from_block_to_block(files, opened):
    page = opened(files / "2-3-2.html")
    count = page.one(".count")
    assert count.text == "1 of 17"
    page.press(RIGHT)
    assert page.one("section.now .t3").text.startswith("1.1")
    assert len([s for s in page.all("section") if s.is_displayed()]) == 1
    page.press(RIGHT, RIGHT, LEFT)
    assert count.text == "3 of 17"
    page.press(END)
    assert count.text == "17 of 17"
    back, forward, *_ = page.all(".bar button")
    assert not forward.is_enabled()
    back.click()
    assert count.text == "16 of 17"
    page.press(HOME)
    assert not back.is_enabled()
    page.press("a")
    assert all(section.is_displayed() for section in page.all("section"))


def test_a_number_that_is_pointed_at_lights_up_what_it_is_made_of(files, opened):
    page = opened(files / "2-3-2.html")
    page.press(RIGHT)
    page.point(page.one('section.now figure[data-name="y1"] td[data-i="1,2"]'))
    lit = {
        (cell.find_element("xpath", "./ancestor::figure").get_attribute("data-name"), where)
        for cell in page.all("td.lit")
        for where in [cell.get_attribute("data-i")]
    }
    assert lit == {
        *(("x", "1,0"), ("x", "1,1")),
        *(("W", "0,2"), ("W", "1,2")),
        ("b", "2"),
    }
    step = explained().steps[0]
    shown = page.one(".why").text
    assert shown.startswith("y1[1, 2] = x[1, 0]·W[0, 2] + x[1, 1]·W[1, 2] + b[2]")
    assert float(shown.rpartition("= ")[2]) == pytest.approx(step.y[1, 2], rel=1e-3)
    lines = [line.get_attribute("data-i") for line in page.all("svg line.lit")]
    assert lines == ["0,2", "1,2"]
    assert len(page.all('svg [data-units="0"] circle.lit')) == 2
    assert page.one("svg circle.asked").get_attribute("data-i") == "2"


def test_a_number_from_a_block_before_tells_how_it_came_about_there(files, opened):
    page = opened(files / "2-3-2.html")
    page.press(RIGHT, RIGHT)
    page.point(page.one('section.now figure[data-name="y1"] td[data-i="1,2"]'))
    assert page.one(".why").text.startswith("y1[1, 2] = x[1, 0]·W[0, 2] + ")
    assert page.one(".why").text.endswith("(from block 2)")


def test_every_number_that_was_computed_can_be_traced(files, opened):
    """Only what the step was given has no origin: x, t, weights before it, and the optimizer's."""
    page = opened(files / "everything.html")
    page.press("a")
    untraced = page.run(
        """
        const names = new Set();
        for (const cell of document.querySelectorAll(".m td")) {
          cell.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
          const figure = cell.closest("figure");
          const plain = `${figure.dataset.name}[${cell.dataset.i.replaceAll(",", ", ")}]`;
          const told = document.querySelector(".why").textContent;
          if (told === `${plain} = ${cell.textContent.trim()}`) names.add(figure.dataset.name);
        }
        return [...names];
        """
    )
    given = {"x", "t", "W", "b", "γ", "β", "m", "old m", "old v"}
    kept = {name for name in untraced if "moving_" in name}
    assert set(untraced) - kept <= given | {"db"}, "db below batch norm is 0, with its reason"


def test_of_an_image_only_the_patch_lights_up(tmp_path, opened):
    model = Sequential(
        [Conv2D(1, 2, input_shape=(3, 1, 1), padding="same"), Flatten(), Dense(2)], seed=0
    )
    model.compile("sgd", "mse")
    x = np.arange(6.0).reshape(2, 3, 1, 1)
    explain_step(model, x, np.zeros((2, 2))).to_html(tmp_path / "step.html")
    page = opened(tmp_path / "step.html")
    page.press(RIGHT)
    page.point(page.one('section.now figure[data-name="y1"] td[data-i="0,0,0,0"]'))
    lit = page.all('section.now figure[data-name="x"] td.lit')
    assert [cell.get_attribute("data-i") for cell in lit] == ["0,0,0,0", "0,1,0,0"]


def test_the_step_under_way_is_lit_in_the_network(files, opened):
    page = opened(files / "2-3-2.html")
    page.press(RIGHT, RIGHT, RIGHT)
    assert page.one("section.now").get_attribute("data-step") == "2"
    (lit,) = page.all("svg [data-edges].now")
    assert lit.get_attribute("data-edges") == "2"
    assert page.one(".way").text == "forward →"


def test_with_the_keyboard_alone_every_worked_number_is_reached(files, opened):
    page = opened(files / "2-3-2.html")
    page.press(RIGHT)
    reached = set()
    for _ in range(12):  # past the bar, to the table
        page.press(TAB)
        cell = page.run("const a = document.activeElement; return a.closest('.m') && a.dataset.i")
        if cell:
            reached.add(cell)
            break
    assert reached == {"0,0"}
    for key in (RIGHT, RIGHT, DOWN, LEFT, LEFT, DOWN, RIGHT, RIGHT):
        page.press(key)
        reached.add(page.run("return document.activeElement.dataset.i"))
        assert page.all("td.lit")
    assert reached == {f"{n},{j}" for n in range(3) for j in range(3)}
    assert page.one(".count").text == "2 of 17", "arrows inside an array stay there"


def test_a_result_is_hidden_until_it_is_typed(files, opened):
    page = opened(files / "2-3-2.html")
    page.press(RIGHT, "p")
    value = explained().steps[0].y[0, 0]
    hidden = '[data-name="y1"] td.hidden'
    assert len(page.all(f"section.now {hidden}")) == 9
    assert f"{value:.3f}" not in page.one("section.now").text
    answer, field = page.one("section.now .answer"), page.one("section.now .ask input")
    for wrong, words in [("x", "Type a number"), (f"{-value:.3f}", "sign"), ("90", "smaller")]:
        field.clear()
        field.send_keys(wrong, ENTER)
        assert words in answer.text
        assert page.all(hidden)
    field.clear()
    field.send_keys(f"{value:.2f}".replace(".", ","), ENTER)
    assert answer.text == f"Right: {value:.3f}."
    assert not page.all(f"section.now {hidden}")
    assert page.one(".count").text == "2 of 17", "keys in a field are for the field"
    page.press(RIGHT)
    page.one("section.now .ask button[type=button]").click()
    assert not page.all("section.now td.hidden")
    page.one(".bar button[aria-pressed]").click()
    assert not page.all("td.hidden, .ask")


@pytest.mark.parametrize("name", MAKERS)
def test_every_number_in_the_page_is_the_one_that_python_shows(name, files, opened):
    page = opened(files / f"{name}.html")
    shown = page.run(
        "return [...document.querySelectorAll('.m td')].map((cell) => cell.textContent.trim())"
    )
    from tests.teaching.explain.printed import read

    printed, _ = read(str(MAKERS[name]()))
    wanted = [number for matrix in printed for number in matrix.numbers]
    assert [number for number in shown if number not in "…⋮⋱"] == wanted


def test_without_scripts_all_of_it_is_there_to_read(files, opened):
    page = opened(files / "everything.html", scripts=False)
    assert all(section.is_displayed() for section in page.all("section"))
    assert not page.all(".bar")
    assert page.one("td[data-from]").get_attribute("title").startswith("y1[0, 0] = ")


def test_in_print_every_block_is_there_and_no_button(files, opened):
    page = opened(files / "2-3-2.html")
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert all(section.is_displayed() for section in page.all("section"))
        assert not any(page.one(name).is_displayed() for name in (".bar", ".why"))
    finally:
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_two_explanations_in_one_notebook_do_not_meet(files, opened, tmp_path):
    bodies = explained()._repr_html_() + with_everything()._repr_html_()
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!doctype html><title>n</title><body>{bodies}", "utf-8")
    page = opened(notebook)
    assert page.errors() == []
    assert [count.text for count in page.all(".count")] == ["1 of 17", "1 of 24"]
    page.all(".bar")[1].find_elements("css selector", "button")[1].click()
    assert [count.text for count in page.all(".count")] == ["1 of 17", "2 of 24"]
    page.run("document.activeElement.blur()")
    page.press(RIGHT)
    assert [count.text for count in page.all(".count")] == ["1 of 17", "2 of 24"]
