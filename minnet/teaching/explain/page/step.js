// Goes through a training step: one block at a time, where each number comes from, predict first.
// The page holds every number; nothing is computed here, and nothing is fetched or sent.
(() => {
  "use strict";
  for (const root of document.querySelectorAll(".minnet-step:not([data-ready])")) start(root);

  function start(root) {
    root.dataset.ready = "yes";
    const alone = root.parentElement.tagName === "MAIN"; // a file of its own, not in a notebook
    const sections = [...root.querySelectorAll("section")];
    const way = root.querySelector(".way");
    let now = 0;

    // --- the bar, and the line that says where a number comes from ---------------------------
    const bar = element("div", "bar", { role: "group", "aria-label": "Go through the step" });
    const back = button("← Back", () => go(now - 1));
    const next = button("Next →", () => go(now + 1));
    const count = element("span", "count", { role: "status" });
    const all = button("Show all", () => setAll(root.classList.contains("one")));
    const predict = button("Predict first", () => setPredict(predict.getAttribute("aria-pressed") !== "true"));
    predict.setAttribute("aria-pressed", "false");
    const hint = element("span", "hint");
    hint.textContent = "Keys: ← → blocks, Home, End, P predict first, A all.";
    bar.append(back, count, next, predict, all, hint);
    const why = element("div", "why", { role: "status", tabindex: "0", "aria-label": "Where the number comes from" });
    const invitation = "Point at a number: those that it is made of light up, and the sum stands here.";
    why.textContent = invitation;
    root.insertBefore(bar, root.querySelector(".blocks"));
    root.append(why);

    function element(tag, name, attributes = {}) {
      const made = document.createElement(tag);
      made.className = name;
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      return made;
    }
    function button(text, act) {
      const made = element("button", "", { type: "button" });
      made.textContent = text;
      made.addEventListener("click", act);
      return made;
    }

    // --- one block after another -------------------------------------------------------------
    function go(to) {
      now = Math.max(0, Math.min(sections.length - 1, to));
      sections.forEach((section, i) => section.classList.toggle("now", i === now));
      count.textContent = `${now + 1} of ${sections.length}`;
      back.disabled = now === 0;
      next.disabled = now === sections.length - 1;
      clear();
      showInNetwork(sections[now]);
      if (!root.classList.contains("one")) sections[now].scrollIntoView({ block: "start" });
      else if (alone) scrollTo(0, 0);
    }
    function showInNetwork(section) {
      for (const lit of root.querySelectorAll("svg .now")) lit.classList.remove("now");
      const { chapter, step } = section.dataset;
      const words = { 1: "forward →", 2: "loss", 3: "← back", 4: "update" };
      way.textContent = words[chapter] || "";
      if (step === undefined) return;
      root.querySelector(`svg [data-edges="${step}"]`).classList.add("now");
      if (chapter === "1") root.querySelector(`svg [data-units="${+step + 1}"]`).classList.add("now");
      if (chapter === "3") root.querySelector(`svg [data-units="${step}"]`).classList.add("now");
    }
    function setAll(on) {
      root.classList.toggle("one", !on);
      all.textContent = on ? "One at a time" : "Show all";
      go(now);
    }

    // --- where a number comes from -----------------------------------------------------------
    for (const cell of root.querySelectorAll("td[data-from]")) {
      cell.dataset.work = cell.title; // the tooltip is for readers without a script
      cell.removeAttribute("title");
    }
    for (const table of root.querySelectorAll(".m table")) {
      const first = table.querySelector("td[data-from]");
      if (first) first.tabIndex = 0;
      if (table.parentElement.scrollWidth > table.parentElement.clientWidth && !first) table.parentElement.tabIndex = 0;
    }
    function clear() {
      for (const lit of root.querySelectorAll(".lit, .asked")) lit.classList.remove("lit", "asked");
      why.textContent = invitation;
    }
    function point(cell) {
      clear();
      inNetwork(cell, "asked");
      cell.classList.add("asked");
      if (!cell.dataset.from) {
        const name = cell.closest("figure").dataset.name;
        const earlier = origin(cell, name);
        why.textContent = earlier
          ? `${earlier.dataset.work}\n(from block ${sections.indexOf(earlier.closest("section")) + 1})`
          : `${name}[${cell.dataset.i.replaceAll(",", ", ")}] = ${cell.textContent.trim()}`;
        return;
      }
      for (const source of cell.dataset.from.split("|")) {
        const colon = source.lastIndexOf(":");
        const figure = find(source.slice(0, colon), cell.closest("section"));
        if (!figure) continue;
        const wanted = source.slice(colon + 1).split(",");
        for (const other of figure.querySelectorAll("td")) {
          const index = other.dataset.i.split(",");
          if (other !== cell && index.length === wanted.length && wanted.every((w, k) => within(index[k], w))) {
            other.classList.add("lit");
            inNetwork(other, "lit");
          }
        }
      }
      const hidden = cell.classList.contains("hidden");
      why.textContent = hidden ? "Work it out from what lights up, and type it above." : cell.dataset.work;
    }
    // Whether an index is 3, within 2-4, or anything for *; dots stand for some of several.
    function within(index, wanted) {
      if (wanted === "*" || wanted === index) return true;
      const [low, high] = wanted.split("-").map(Number);
      return high !== undefined && (index === "…" || (low <= Number(index) && Number(index) <= high));
    }
    // The same number where it was computed, in a block before; y1 and dy1 are there once, a W and
    // its dW once for each layer.
    function origin(cell, name) {
      const section = cell.closest("section");
      for (let i = sections.indexOf(section); i >= 0; i--) {
        if (!/^d?y\d+$/.test(name) && sections[i].dataset.step !== section.dataset.step) continue;
        for (const figure of sections[i].querySelectorAll("figure")) {
          if (figure.dataset.name !== name) continue;
          const same = [...figure.querySelectorAll("td[data-from]")].find((other) => other.dataset.i === cell.dataset.i);
          if (same && !same.classList.contains("hidden")) return same;
        }
      }
      return null;
    }
    // An array by its name: in the same block, or in the one before it that has it.
    function find(name, section) {
      for (let i = sections.indexOf(section); i >= 0; i--) {
        const figures = [...sections[i].querySelectorAll("figure")].filter((f) => f.dataset.name === name);
        const same = i === sections.indexOf(section) || sections[i].dataset.step === section.dataset.step;
        if (figures.length && same) return figures[0];
      }
      return null;
    }
    function inNetwork(cell, kind) {
      const net = cell.closest("figure").dataset.net;
      if (!net) return;
      const [what, which] = net.split(":");
      const index = cell.dataset.i.split(",");
      const at = what === "edges" ? index.join(",") : index[index.length - 1];
      const drawn = root.querySelector(`svg [data-${what}="${which}"] [data-i="${at}"]`);
      if (drawn) drawn.classList.add(kind === "asked" && what === "edges" ? "lit" : kind);
    }
    const cellOf = (event) => (event.target.closest ? event.target.closest(".m td") : null);
    root.addEventListener("mouseover", (event) => {
      const cell = cellOf(event);
      if (cell) point(cell);
    });
    root.addEventListener("click", (event) => {
      const cell = cellOf(event);
      if (cell) point(cell);
    });
    root.addEventListener("focusin", (event) => {
      const cell = cellOf(event);
      if (!cell) return;
      for (const other of cell.closest("table").querySelectorAll("td[tabindex]")) other.tabIndex = -1;
      cell.tabIndex = 0;
      point(cell);
    });
    function move(cell, key) {
      const row = cell.parentElement;
      const rows = [...row.parentElement.children];
      const at = [rows.indexOf(row), [...row.children].indexOf(cell)];
      const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key];
      let to = cell;
      do {
        at[0] += by[0];
        at[1] += by[1];
        to = rows[at[0]] && rows[at[0]].children[at[1]];
      } while (to && !to.dataset.from);
      if (!to) return;
      to.tabIndex = 0;
      to.focus();
    }

    // --- predict first -----------------------------------------------------------------------
    function setPredict(on) {
      predict.setAttribute("aria-pressed", String(on));
      for (const old of root.querySelectorAll(".ask")) old.remove();
      for (const cell of root.querySelectorAll("td.hidden")) reveal(cell);
      if (on) sections.forEach(hideResults);
      clear();
    }
    function hide(cell) {
      cell.dataset.shown = cell.textContent;
      cell.textContent = "?";
      cell.classList.add("hidden");
    }
    function reveal(cell) {
      cell.textContent = cell.dataset.shown;
      cell.classList.remove("hidden");
    }
    // Of each group of arrays the last is the result: one of its numbers is asked for.
    function hideResults(section) {
      for (const group of section.querySelectorAll(".ms")) {
        const result = group.lastElementChild;
        const cells = [...result.querySelectorAll("td[data-from]")];
        if (!cells.length) continue;
        const wanted = cells.find((cell) => Number(cell.textContent) !== 0) || cells[0];
        const hidden = [...cells];
        for (let below = group.nextElementSibling; below && !below.matches(".f, .ms"); below = below.nextElementSibling) {
          if (!below.matches(".w")) continue;
          const ends = below.querySelectorAll("tr:last-child td:last-child");
          hidden.push(...ends);
        }
        hidden.forEach(hide);
        group.after(question(result.dataset.name, wanted, hidden));
      }
    }
    function question(name, cell, hidden) {
      const form = element("form", "ask");
      const label = element("label", "");
      const input = element("input", "", { inputmode: "decimal", autocomplete: "off" });
      const answer = element("span", "answer", { role: "status" });
      label.append(`${name}[${cell.dataset.i.replaceAll(",", ", ")}] = `, input);
      const check = element("button", "", { type: "submit" });
      check.textContent = "Check";
      const give = button("Show it", () => finish(`It is ${cell.dataset.shown.trim()}.`));
      form.append(label, check, give, answer);
      input.addEventListener("focus", () => point(cell));
      function finish(words) {
        hidden.forEach(reveal);
        answer.textContent = words;
        for (const part of [label, check, give]) part.remove();
        point(cell);
      }
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        const verdict = judge(input.value, Number(cell.dataset.shown));
        if (verdict === "right") finish(`Right: ${cell.dataset.shown.trim()}.`);
        else answer.textContent = verdict;
      });
      return form;
    }
    // Right is what rounds to the number, or is within 1 % of it.
    function judge(typed, value) {
      const text = typed.trim().replace(",", ".").replace("−", "-");
      const guess = Number(text);
      if (text === "" || Number.isNaN(guess)) return "Type a number, such as -0.25.";
      const decimals = (text.split(/e/i)[0].split(".")[1] || "").length;
      const rounds = Math.abs(guess - value) <= 0.5 * 10 ** -decimals && Math.abs(guess - value) <= 0.05 * Math.abs(value);
      if (guess === value || rounds || Math.abs(guess - value) <= 0.01 * Math.abs(value)) return "right";
      if (value !== 0 && Math.abs(guess + value) <= 0.01 * Math.abs(value)) return "Not yet: look at the sign.";
      return `Not yet: it is ${guess < value ? "larger" : "smaller"} than ${typed.trim()}.`;
    }

    // --- keys: everywhere on a page of its own, in a notebook only inside ----------------------
    const keys = {
      ArrowLeft: () => go(now - 1),
      ArrowRight: () => go(now + 1),
      Home: () => go(0),
      End: () => go(sections.length - 1),
      p: () => predict.click(),
      a: () => all.click(),
    };
    (alone ? document : root).addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
      const cell = cellOf(event);
      if (cell && event.key.startsWith("Arrow")) move(cell, event.key);
      else if (cell && event.key === "Escape") cell.blur();
      else if (keys[event.key]) keys[event.key]();
      else return;
      event.preventDefault();
    });

    root.classList.add("one");
    go(0);
  }
})();
