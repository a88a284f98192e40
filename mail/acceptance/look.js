// What a page looks like to whoever reads it, measured where it is shown.
(() => {
  const root = document.documentElement;
  const out = {
    lang: root.lang, dir: root.dir, title: document.title,
    width: root.clientWidth, scroll: Math.max(root.scrollWidth, document.body.scrollWidth),
    text: document.body.innerText,
    headings: [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].map((e) => e.innerText),
    quotes: [...document.querySelectorAll("blockquote")].map((e) => e.innerText),
    preview: "", outside: [], faint: [], lowest: 99, smallest: 99, buttons: [], links: [], loads: [],
  };
  const name = (e) => e.tagName.toLowerCase() + (e.className ? "." + e.className : "");
  const short = (s) => s.trim().slice(0, 40);

  // Colours, as r, g, b of 0 to 255 and a of 0 to 1.
  const rgba = (s) => {
    const n = (s.match(/[\d.]+/g) || []).map(Number);
    if (!/^rgba?\(/.test(s) || n.length < 3) throw new Error("a colour that is not understood: " + s);
    return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const luminance = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const probe = document.createElement("i");
  probe.style.backgroundColor = "Canvas";
  document.body.append(probe);
  const canvas = rgba(getComputedStyle(probe).backgroundColor);
  probe.remove();
  const backdrop = (e) => {
    const layers = [];
    for (; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), canvas);
  };

  // What lists of mail show of it is the one thing that may be hidden.
  const preview = document.querySelector("div[hidden]");
  if (preview) out.preview = preview.textContent;
  for (const e of document.body.querySelectorAll("*")) {
    if (e === preview) continue;
    const r = e.getBoundingClientRect();
    if (r.width > 0 && (r.right > out.width + 0.5 || r.left < -0.5)) out.outside.push(`${name(e)} from ${r.left} to ${r.right}`);
    const style = getComputedStyle(e);
    if (style.backgroundImage !== "none") out.loads.push(`${name(e)} has a background image`);
    if (Number(style.opacity) < 1 || style.visibility !== "visible" || style.display === "none") out.outside.push(name(e) + " is hidden");
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    if (!n.data.trim() || n.parentElement === preview || /^(style|script|title)$/i.test(n.parentElement.tagName)) continue;
    const style = getComputedStyle(n.parentElement);
    const on = backdrop(n.parentElement);
    const [a, b] = [luminance(over(rgba(style.color), on)), luminance(on)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    out.lowest = Math.min(out.lowest, ratio);
    out.smallest = Math.min(out.smallest, parseFloat(style.fontSize));
    if (ratio < 4.5) out.faint.push(`${ratio.toFixed(2)} for ${JSON.stringify(short(n.data))}: ${style.color} on ${on}`);
    let block = n.parentElement;
    while (getComputedStyle(block).display === "inline") block = block.parentElement;
    const bounds = block.getBoundingClientRect();
    const range = document.createRange();
    range.selectNodeContents(n);
    for (const r of range.getClientRects()) {
      if (r.right > bounds.right + 1 || r.left < bounds.left - 1) out.outside.push(`${JSON.stringify(short(n.data))} stands out of ${name(block)}`);
    }
  }
  for (const a of document.querySelectorAll("a")) {
    out.links.push({ href: a.getAttribute("href"), text: a.innerText.trim() });
    const style = getComputedStyle(a);
    // A link in a box of its own, on another ground than the heading, is a button, whatever it is called.
    if (style.display !== "inline" && String(backdrop(a)) !== String(backdrop(document.querySelector("h1")))) {
      const r = a.getBoundingClientRect();
      out.buttons.push({ href: a.getAttribute("href"), text: a.innerText.trim(), width: r.width, height: r.height });
    }
  }
  for (const e of document.querySelectorAll("*")) {
    for (const attr of e.attributes) {
      if (/^(src|srcset|background|poster|data|action|formaction|ping|cite|longdesc|manifest)$/i.test(attr.name) || /^on/i.test(attr.name) ||
        (attr.name === "href" && e.tagName !== "A")) out.loads.push(`${name(e)} has ${attr.name}`);
    }
    if (/^(script|iframe|object|embed|form|input|img|video|audio|link|base|svg|canvas)$/i.test(e.tagName)) out.loads.push(name(e) + " is there");
    if (e.tagName === "STYLE" && /@import|url\(/i.test(e.textContent)) out.loads.push("the style sheet loads something");
  }
  return out;
})()
