"use strict";
// Draws the figures from the JSON in the page, in the colours of the theme, and again when the theme changes.
(() => {
  const root = document.documentElement;
  const figures = new Map();
  const isCoarse = window.matchMedia("(pointer: coarse)").matches;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const REFERENCE = /^var\((--figure-[a-z-]+)\)$/;
  const config = {
    displayModeBar: false,
    responsive: true,
    // A finger on a figure has to scroll the page; there are buttons to zoom.
    scrollZoom: false,
  };

  // Only what stands under a key that names a colour is taken for one: any other text is data.
  function withColors(value, key, style) {
    if (typeof value === "string") {
      const match = /color$/.test(key) ? REFERENCE.exec(value) : null;
      return match ? style.getPropertyValue(match[1]).trim() : value;
    }
    if (Array.isArray(value)) {
      return /color$/.test(key) ? value.map((each) => withColors(each, key, style)) : value.map((each) =>
        each !== null && typeof each === "object" ? withColors(each, "", style) : each);
    }
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withColors(each, name, style)]));
    }
    return value;
  }

  function draw(figure) {
    const style = getComputedStyle(root);
    const layout = withColors(figure.spec.layout, "", style);
    layout.font.family = getComputedStyle(document.body).fontFamily;
    if (isCoarse) {
      layout.dragmode = false;
    }
    if (figure.range) {
      layout.xaxis.range = figure.range;
      layout.xaxis.autorange = false;
    }
    return Plotly.react(figure.element, withColors(figure.spec.data, "", style), layout, config);
  }

  function numericRange(element) {
    const axis = element._fullLayout.xaxis;
    return axis.range.map((end) => axis.r2l(end));
  }

  function setRange(figure, range) {
    const axis = figure.element._fullLayout.xaxis;
    return Plotly.relayout(figure.element, { "xaxis.range": range.map((end) => axis.l2r(end)) });
  }

  // Moves a range back into the whole, and shortens it only if it is longer.
  function within([low, high], [first, last]) {
    const shift = Math.max(0, first - low) - Math.max(0, high - last);
    return [Math.max(first, low + shift), Math.min(last, high + shift)];
  }

  function zoom(figure, how) {
    const [low, high] = numericRange(figure.element);
    const width = high - low;
    const moves = {
      in: [low + width / 4, high - width / 4],
      out: [low - width / 2, high + width / 2],
      left: [low - width / 4, high - width / 4],
      right: [low + width / 4, high + width / 4],
      reset: figure.whole,
    };
    return setRange(figure, within(moves[how], figure.whole));
  }

  function redraw() {
    for (const figure of figures.values()) {
      draw(figure);
    }
  }

  async function drawAll() {
    for (const script of document.querySelectorAll("script[data-figure]")) {
      const key = script.dataset.figure;
      const figure = { element: document.getElementById(key), spec: JSON.parse(script.textContent), range: null };
      figures.set(key, figure);
      await draw(figure);
      figure.whole = numericRange(figure.element);
      // The element has a name that says what all of it shows.
      figure.element.firstElementChild.setAttribute("aria-hidden", "true");
      figure.element.on("plotly_relayout", () => {
        figure.range = figure.element._fullLayout.xaxis.range.slice();
      });
      // What plotly measures texts with.
      document.getElementById("js-plotly-tester")?.setAttribute("aria-hidden", "true");
      // Lets the page answer between two figures.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    root.dataset.figures = "drawn";
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-zoom]");
    const figure = button && figures.get(button.parentElement.dataset.for);
    if (figure && figure.whole) {
      zoom(figure, button.dataset.zoom);
    }
  });
  dark.addEventListener("change", redraw);
  // On paper the figures take the colours and the width of the page.
  const print = window.matchMedia("print");
  print.addEventListener("change", redraw);
  drawAll();
})();
