"use strict";
(() => {
  const rows = document.getElementById("connection-rows");
  const form = document.querySelector("form.filter");
  if (rows && form) {
    const known = Array.from(rows.rows, (row) => ({ row, fate: row.dataset.fate, text: row.textContent.toLowerCase() }));
    const words = form.elements.words;
    const fate = form.elements.fate;
    const output = form.querySelector("output");
    const filter = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const { row, fate: own, text } of known) {
        const fits = (!fate.value || own === fate.value) && wanted.every((word) => text.includes(word));
        row.hidden = !fits;
        shown += fits ? 1 : 0;
      }
      output.textContent = `${shown.toLocaleString("en")} of ${known.length.toLocaleString("en")} listed`;
    };
    form.hidden = false;
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("keydown", (event) => {
      const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        words.focus();
      } else if (event.key === "Escape" && event.target === words) {
        words.value = "";
        filter();
      }
    });
    filter();
  }

  // What a link leads to is opened, and what is closed is no part of a printed page.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    const closed = target && target.closest("details");
    if (closed) {
      closed.open = true;
      target.scrollIntoView();
      closed.querySelector("summary").focus();
    }
  };
  addEventListener("hashchange", reveal);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) reveal();
  });
  reveal();
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });

  // The section in view is the current one of the navigation.
  const links = new Map(Array.from(document.querySelectorAll("nav a"), (link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id).setAttribute("aria-current", "location");
    }
  }, { rootMargin: "-15% 0px -80% 0px" });
  for (const id of links.keys()) seen.observe(document.getElementById(id));
})();
