"use strict";
(() => {
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  const search = document.getElementById("search");
  const result = document.getElementById("result");
  const shown = document.getElementById("shown");
  const RESULT = headings.findIndex((heading) => heading.textContent === "Result");
  const EVIDENCE = headings.findIndex((heading) => heading.dataset.kind === "fixed");

  const text = (row, column) => row.cells[column].textContent.trim();
  const searchable = new Map(
    rows.map((row) => [row, headings.map((_, column) => (column === EVIDENCE ? "" : text(row, column))).join(" ").toLowerCase()]),
  );

  const filter = () => {
    const wanted = search.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      row.hidden = !searchable.get(row).includes(wanted) || (result.value !== "" && text(row, RESULT) !== result.value);
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = `${count} of ${rows.length} shown`;
  };

  const compare = (column, kind) => (left, right) =>
    kind === "number"
      ? Number(left.cells[column].dataset.value) - Number(right.cells[column].dataset.value)
      : text(left, column).localeCompare(text(right, column), "en", { numeric: true, sensitivity: "base" });

  const sort = (heading, column) => {
    const descending = heading.getAttribute("aria-sort") === "ascending";
    for (const other of headings) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const ordered = [...rows].sort(compare(column, heading.dataset.kind));
    body.append(...(descending ? ordered.reverse() : ordered));
  };

  headings.forEach((heading, column) => {
    if (column === EVIDENCE) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    button.addEventListener("click", () => sort(heading, column));
    heading.replaceChildren(button);
  });
  for (const value of [...new Set(rows.map((row) => text(row, RESULT)))].sort()) result.add(new Option(value, value));
  search.addEventListener("input", filter);
  result.addEventListener("input", filter);
  const form = document.getElementById("filter");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter();
})();
