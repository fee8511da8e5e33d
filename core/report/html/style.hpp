// SPDX-License-Identifier: Apache-2.0
// The look of a page and its one script: sorting, and contours that can be hidden.
#pragma once

namespace hilum::report::html {

/// Colours of runs differ in lightness too, and every contour and line is also named in text.
constexpr const char* kStyle = R"(
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1d21;--soft:#5c6470;--line:#d9dde3;--band:#f4f6f8;
--ours:#c9201a;--base:#1f5fbf;--truth:#1a8a3a;--c2:#b36b00;--c3:#8a2fb0;--c4:#00798c;--c5:#c2317f;
--c6:#6b5b1e;--c7:#4b5563}
@media(prefers-color-scheme:dark){:root{--bg:#15171b;--fg:#e6e8eb;--soft:#a0a8b4;--line:#343a43;
--band:#1e2228;--ours:#ff5a50;--base:#5ea0ff;--truth:#41d46c;--c2:#ffb347;--c3:#d08cff;--c4:#3fd0e6;
--c5:#ff86c2;--c6:#d8c46a;--c7:#b8c0cc}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1180px;padding:1rem;background:var(--bg);color:var(--fg);
font:15px/1.45 system-ui,sans-serif}
h1{font-size:1.6rem;margin:.2rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem;
border-bottom:1px solid var(--line)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.5rem 0}dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
nav a{margin-right:1rem}a{color:var(--base)}
.phantom,.notes{border-left:4px solid var(--c2);background:var(--band);padding:.5rem .8rem;margin:.6rem 0}.notes{padding-left:1.8rem}
.wide{overflow:auto;max-height:34rem;margin:.6rem 0;border:1px solid var(--line)}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);padding:.3rem .5rem}
th,td{padding:.2rem .55rem;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}
td[data-k]{text-align:right}tbody tr:nth-child(even){background:var(--band)}
.sort thead th{position:sticky;top:0;background:var(--bg);padding:0}
.sort button{font:inherit;font-weight:600;color:inherit;background:none;border:0;padding:.3rem .55rem;
cursor:pointer;width:100%;text-align:left}
button:focus-visible,a:focus-visible,input:focus-visible{outline:2px solid var(--base);outline-offset:-2px}
th[aria-sort=ascending] button::after{content:" ▲"}th[aria-sort=descending] button::after{content:" ▼"}
.wrong{text-decoration:underline wavy var(--ours);font-weight:600}
.confusion{margin:0 0 1rem}.confusion td{text-align:right}.confusion .right{font-weight:600}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(340px,1fr));gap:1rem}
figure{margin:0}.chart svg[role]{width:100%;height:auto}
.t{font-size:11px;fill:var(--soft)}.g{stroke:var(--line);fill:none}
.l{fill:none;stroke-width:1.8}.dash{stroke-dasharray:5 4}
.ours{stroke:var(--ours)}.base{stroke:var(--base)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}
.c4{stroke:var(--c4)}.c5{stroke:var(--c5)}.c6{stroke:var(--c6)}.c7{stroke:var(--c7)}
.m{fill:var(--bg)}
.legend{display:flex;flex-wrap:wrap;gap:.1rem .9rem;font-size:.85rem}.legend svg{margin-right:.3rem}
.key{display:inline-block;width:.7rem;height:.7rem;margin-right:.4rem;border-radius:2px}
.key.ours{background:var(--ours)}.key.base{background:var(--base)}.key.c2{background:var(--c2)}
.key.c3{background:var(--c3)}.key.c4{background:var(--c4)}.key.c5{background:var(--c5)}
.key.c6{background:var(--c6)}.key.c7{background:var(--c7)}.key.truth{background:var(--truth)}
.case{margin:1rem 0}.panels{display:flex;flex-wrap:wrap;gap:.6rem;margin-top:.3rem}
.panel p{margin:.2rem 0;font-size:.85rem;max-width:14rem}.panel svg{display:block}
.store{position:absolute}image{image-rendering:pixelated}
.o{fill:none;vector-effect:non-scaling-stroke;stroke-width:1.5}
.panel .ours{stroke:#ff3b30}.panel .base{stroke:#3d9bff}.panel .truth{stroke:#2ee65a;stroke-width:3}
.panel .c2{stroke:#ffb000}.panel .c3{stroke:#d08cff}.panel .c4{stroke:#00e0f0}.panel .c5{stroke:#ff7ac8}
.panel .c6{stroke:#f2e27a}.panel .c7{stroke:#fff}
.no-truth .panel .truth,.no-ours .panel .ours,.no-base .panel .base{display:none}
.switch label{margin-right:1rem}
@media print{.wide{max-height:none;overflow:visible}}
)";

/// A heading's button sorts its column: numbers by data-k, else as text; what is not there is last.
constexpr const char* kScript = R"(
for (const table of document.querySelectorAll('table.sort')) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, i) => head.firstChild.addEventListener('click', () => {
    const up = head.getAttribute('aria-sort') !== 'ascending';
    heads.forEach(h => h.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const key = row => row.cells[i].dataset.k === undefined ? row.cells[i].textContent
                                                             : Number(row.cells[i].dataset.k);
    const none = k => k === '–';
    const rows = [...table.tBodies[0].rows].map(row => [key(row), row]);
    rows.sort(([a], [b]) => none(a) || none(b) ? none(a) - none(b)
      : (up ? 1 : -1) * (typeof a === 'number' && typeof b === 'number' ? a - b
                           : String(a).localeCompare(String(b), undefined, {numeric: true})));
    table.tBodies[0].append(...rows.map(([, row]) => row));
  }));
}
for (const box of document.querySelectorAll('.switch input'))
  box.addEventListener('change', () =>
    document.getElementById('cases').classList.toggle('no-' + box.value, !box.checked));
)";

}  // namespace hilum::report::html
