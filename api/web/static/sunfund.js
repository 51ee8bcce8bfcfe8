"use strict";
// Saves reloads and key strokes. Every page is right without it.
(() => {
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const one = (selector, from = document) => from.querySelector(selector);

  // Errors: the summary is read first, and its links land in the fields.
  one(".errors")?.focus();
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('.errors a[href^="#"]');
    const field = link && document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    field.focus();
    (field.closest(".field, .choices") || field).scrollIntoView({ block: "center" });
  });

  // Card testing: in doubtful times the form brings a little work instead of a sum.
  const task = one("[data-work]");
  if (task && window.crypto?.subtle) (async () => {
    const text = new TextEncoder(), bits = +task.dataset.bits;
    for (let n = 0; ; n += 128) {
      const tries = Array.from({ length: 128 }, (_, i) => crypto.subtle.digest("SHA-256", text.encode(task.dataset.work + ":" + (n + i))));
      const found = (await Promise.all(tries)).findIndex((hash) => new DataView(hash).getUint32(0) >>> (32 - bits) === 0);
      if (found < 0) continue;
      one('[name="work"]', task).value = n + found;
      one(".field", task).hidden = true;
      one("[data-said]", task).textContent = one("[data-said]", task).dataset.said;
      return;
    }
  })();

  // Twice: a second click within a second is the same click.
  const sent = new WeakMap();
  document.addEventListener("submit", (event) => {
    const now = performance.now();
    if (now - (sent.get(event.target) ?? -1e9) < 1000) event.preventDefault();
    else sent.set(event.target, now);
  });

  // Language and text size keep what was typed.
  const kept = "kept:" + location.pathname;
  const typed = () => all("main form :is(input, select, textarea)[name]")
    .filter((field) => !["hidden", "password", "file", "submit"].includes(field.type));
  const keep = () => {
    const values = typed().map((f) => [f.name, f.value, f.type === "radio" || f.type === "checkbox" ? f.checked : null]);
    try { if (values.length) sessionStorage.setItem(kept, JSON.stringify(values)); } catch { /* storage is off */ }
  };
  for (const way of all("[data-keep]")) way.addEventListener(way.tagName === "FORM" ? "submit" : "click", keep);
  try {
    const values = JSON.parse(sessionStorage.getItem(kept) || "[]");
    sessionStorage.removeItem(kept);
    const fields = typed();
    if (values.length === fields.length) values.forEach(([name, value, on], i) => {
      if (fields[i].name !== name) return;
      if (on === null) fields[i].value = value;
      else fields[i].checked = on;
    });
  } catch { /* storage is off, or holds something else */ }

  // Keys: / goes to the search, unless somebody is typing or keys are off.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey) return;
    if (document.documentElement.dataset.keys === "off") return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) return;
    const search = one('[role="search"] input[type="search"]');
    if (!search) return;
    event.preventDefault();
    search.focus();
  });

  // Paper shows what is folded.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("main details:not([open])");
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => { for (const part of folded) part.open = false; });

  // Live figures. The server beats every 4 s with its clock; after 9 s of silence the page says so.
  const follow = (address) => {
    const stream = new EventSource(address);
    const pause = one(`[data-live="${address}"]`).dataset.often ? 300 : 1000;
    const lost = one("[data-lost]");
    let fresh = new Map(), drawn = 0, clock = "", silence = 0;
    const fell = () => {
      if (!lost || !lost.hidden) return;
      if (clock) one("[data-lost-at]", lost).textContent = clock;
      lost.hidden = false;
    };
    const listen = () => {
      if (lost) lost.hidden = true;
      clearTimeout(silence);
      silence = setTimeout(fell, 9000);
    };
    const draw = () => {
      drawn = performance.now();
      for (const [id, part] of fresh) {
        const old = document.getElementById(id);
        if (!old) continue;
        const held = old.contains(document.activeElement) && document.activeElement.id;
        old.replaceChildren(...part.childNodes);
        if (held) document.getElementById(held)?.focus();
      }
      fresh = new Map();
    };
    stream.addEventListener("beat", (event) => { clock = event.data; listen(); });
    stream.addEventListener("update", (event) => { // drawn at most once a second (a giving day: three times), the last word on each part
      listen();
      if (!fresh.size) setTimeout(draw, Math.max(0, pause - (performance.now() - drawn)));
      const holder = document.createElement("template");
      holder.innerHTML = event.data;
      for (const part of holder.content.children) if (part.id) fresh.set(part.id, part);
    });
    stream.addEventListener("error", fell);
    silence = setTimeout(fell, 9000);
    addEventListener("pagehide", () => stream.close());
  };
  if ("EventSource" in window) for (const address of new Set(all("[data-live]").map((part) => part.dataset.live))) follow(address);

  // Voucher entry: difference per fund while typing. Amounts are whole minor units, never floating point.
  const minor = (text) => {
    const parts = /^([-−]?)(\d+)(?:\.(\d{1,2}))?$/.exec(text.replace(/[,\s]/g, ""));
    if (!parts) return 0n;
    const units = BigInt(parts[2]) * 100n + BigInt((parts[3] || "").padEnd(2, "0"));
    return parts[1] ? -units : units;
  };
  const decimal = (units) => {
    const sign = units < 0n ? "-" : "", digits = String(units < 0n ? -units : units).padStart(3, "0");
    return sign + digits.slice(0, -2) + "." + digits.slice(-2);
  };
  const shown = (units) => decimal(units).replace("-", "−").replace(/\B(?=(\d{3})+\.)/g, ",");
  for (const form of all("[data-voucher]")) {
    const rows = () => all("[data-line]", form).map((row) => ({
      fund: one("[data-fund]", row), debit: one("[data-debit]", row), credit: one("[data-credit]", row),
    }));
    const sums = () => {
      const funds = new Map();
      for (const { fund, debit, credit } of rows()) {
        const amount = minor(debit.value) - minor(credit.value);
        if (!debit.value && !credit.value) continue;
        funds.set(fund.value, (funds.get(fund.value) || 0n) + amount);
      }
      return funds;
    };
    const tell = () => {
      const list = one("[data-balance]", form);
      if (!list) return;
      const names = new Map(rows().map(({ fund }) => [fund.value, fund.selectedOptions ? fund.selectedOptions[0]?.text : fund.value]));
      list.replaceChildren(...[...sums()].map(([fund, rest]) => {
        const line = document.createElement("li"), name = document.createElement("span"), state = document.createElement("span");
        name.textContent = names.get(fund);
        state.textContent = rest === 0n ? list.dataset.even : list.dataset.off.replace("{0}", shown(rest));
        if (rest !== 0n) state.className = "off";
        line.append(name, state);
        return line;
      }));
    };
    form.addEventListener("input", tell);
    form.addEventListener("beforeinput", (event) => {
      const field = event.target.closest("[data-debit], [data-credit]");
      const row = field && rows().find(({ debit, credit }) => field === debit || field === credit);
      if (!row) return;
      const other = field === row.debit ? row.credit : row.debit;
      if (event.data === " ") { // the other side
        event.preventDefault();
        [other.value, field.value] = [field.value, ""];
        other.focus();
        tell();
      } else if (event.data === "=") { // fill what is missing
        event.preventDefault();
        field.value = other.value = "";
        const rest = sums().get(row.fund.value) || 0n;
        field.value = decimal(field === row.debit ? -rest : rest);
        tell();
      }
    });
    tell();
  }

  // Matching: arrows go through the rows and sides, space ticks, Enter matches, U leads to the way back, ? tells the keys.
  const pairs = one("[data-matching]");
  if (pairs) {
    const said = one("[data-difference]", pairs), why = one('[name="reason"]', pairs);
    const side = (name) => all(`[data-side="${name}"]`), lists = ["line", "ours", "matched"];
    const total = (name) => side(name).reduce((sum, row) => sum + (one("input", row)?.checked ? BigInt(row.dataset.sum) : 0n), 0n);
    const compare = () => {
      const left = total("line"), right = total("ours");
      if (said && (left || right)) said.textContent = left === right ? said.dataset.even.replace("{0}", shown(left))
        : said.dataset.difference.replace("{0}", shown(left)).replace("{1}", shown(right)).replace("{2}", shown(left - right));
      for (const row of [...side("line"), ...side("ours")]) row.classList.toggle("here", !!one("input", row)?.checked);
    };
    pairs.addEventListener("change", compare);
    compare();
    for (const name of lists) if (side(name)[0]) side(name)[0].tabIndex = 0;
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || document.documentElement.dataset.keys === "off") return;
      const row = event.target.closest?.("[data-side]");
      if (!row || event.target !== row && event.target.type !== "checkbox") return;
      const at = side(row.dataset.side), n = at.indexOf(row), go = (to) => { to?.focus(); return !!to; };
      const beside = (step) => {
        for (let i = lists.indexOf(row.dataset.side) + step; i >= 0 && i < 2; i += step) if (side(lists[i])[0]) return go(side(lists[i])[Math.min(n, side(lists[i]).length - 1)]);
        return true;
      };
      const act = {
        ArrowUp: () => go(at[n - 1]) || true, ArrowDown: () => go(at[n + 1]) || true, ArrowLeft: () => beside(-1), ArrowRight: () => beside(1),
        " ": () => event.target === row && (one("input", row)?.click(), true),
        Enter: () => row.dataset.side !== "matched" && why && (why.value.trim() ? pairs.requestSubmit() : why.focus(), true),
        u: () => go(one("[data-undo]", row)) && (one("[data-undo]", row).click(), true),
        "?": () => { const keys = one("#keys"); if (keys) keys.open = !keys.open; return true; },
      }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (act && act()) event.preventDefault();
    });
  }
})();
