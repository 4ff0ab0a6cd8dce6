// What the pages have in common, as eta templates: `<%= %>` escapes, `<%~ %>` does not and is only for our own SVG, CSS and the
// pieces that these templates make. Strings in a module rather than files beside it, so that the compiled program needs no copy step.

export const style = `
:root {
  color-scheme: light dark;
  --paper: #fbfbfa; --card: #fff; --ink: #1d2127; --soft: #5b626d; --line: #e3e5e9;
  --accent: #0072b2; --tint: #eef5fa;
  --held: #006e50; --failed: #a84900;
  --chart-faint: #7d838d; --chart-grid: #e3e5e9;
  --chart-1: #0072b2; --chart-2: #d55e00; --chart-3: #008f68; --chart-4: #a85a8c;
  --chart-5: #2f93cf; --chart-6: #b97f00; --chart-7: #857a00;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --card: #1b1f25; --ink: #e6e8eb; --soft: #a0a7b2; --line: #2d333b;
    --accent: #62b6ea; --tint: #1a2833;
    --held: #2fc79a; --failed: #f08a4b;
    --chart-faint: #8d949f; --chart-grid: #343b44;
    --chart-1: #56b4e9; --chart-2: #f08a4b; --chart-3: #2fc79a; --chart-4: #dd9ac4;
    --chart-5: #9cd4f5; --chart-6: #e6b455; --chart-7: #e0d54a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; overflow-wrap: break-word;
}
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
header > p { margin: 0; color: var(--soft); }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 3rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: .5rem 0; max-width: 44rem; }
.soft { color: var(--soft); font-size: .875rem; }
header > .verdict {
  color: var(--ink);
  margin: 1.75rem 0 0; padding: 1.1rem 1.25rem; max-width: none; font-size: 1.15rem; line-height: 1.45;
  background: var(--tint); border-left: 4px solid var(--accent); border-radius: 0 8px 8px 0;
}
nav { margin-top: 1rem; font-size: .875rem; display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
a { color: var(--accent); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { padding: .4rem .75rem .4rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 500; font-size: .8rem; }
td.num, th.num { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.interval { white-space: nowrap; font-variant-numeric: tabular-nums; }
tbody th { font-weight: 400; }
tr.group th { padding-top: 1.4rem; border-bottom: 0; font-weight: 600; }
tr.group .soft { display: block; font-weight: 400; max-width: 44rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); gap: 1rem; }
figure {
  margin: 0; padding: 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px; min-width: 0;
}
figure svg { display: block; width: 100%; max-width: 28rem; height: auto; margin: .5rem 0 .25rem; }
figcaption { color: var(--soft); font-size: .8rem; line-height: 1.45; }
.sample { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.25rem; margin: 1rem 0; }
.sample dl { margin: 0; display: grid; grid-template-columns: 7.5rem 1fr; gap: .6rem 1rem; }
.sample dt { color: var(--soft); font-size: .85rem; padding-top: .1rem; }
.sample dd { margin: 0; white-space: pre-wrap; min-width: 0; }
.sample dd.context { max-height: 16rem; overflow-y: auto; }
.sample .tuned { font-weight: 600; }
.score { color: var(--soft); font-size: .8rem; font-weight: 400; white-space: nowrap; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem; margin: .5rem 0; font-size: .9rem; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.kl { margin: 1rem 0 2rem; }
details { margin: .75rem 0; }
summary { cursor: pointer; font-weight: 600; }
@media (max-width: 40rem) {
  main { padding: 1.5rem 1rem 3rem; }
  h1 { font-size: 1.4rem; }
  header > .verdict { font-size: 1.05rem; }
  .sample dl, .facts { grid-template-columns: 1fr; gap: .1rem; }
  .sample dd, .facts dd { margin-bottom: .6rem; }
  figure { padding: .75rem; }
  table.measures thead { display: none; }
  table.measures, table.measures tbody, table.measures tr, table.measures th, table.measures td { display: block; }
  table.measures tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  table.measures th, table.measures td { border: 0; padding: 0; }
  table.measures td { display: flex; justify-content: space-between; gap: 1rem; text-align: right; white-space: normal; }
  table.measures td[data-label]::before { content: attr(data-label); color: var(--soft); text-align: left; }
  table.measures td:empty { display: none; }
  table.measures tr.group th { padding-top: .75rem; }
}
@media print { :root { color-scheme: light; } body { background: none; } figure, .sample { break-inside: avoid; } .sample dd.context { max-height: none; } }
`;

/** From the document's start to the end of its head: `it.report.title`, `it.style`; a policy that forbids scripts and requests. */
export const head = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title><%= it.report.title %></title>
<style><%~ it.style %></style>
</head>`;

/** `it.settings`, a block a group; that of the name `open` is open. */
export const settingsBlocks = (open = '') => `<% for (const [name, settings] of it.settings) { %>
<details<% if (name === '${open}') { %> open<% } %>><summary><%= name %></summary>
<dl class="facts"><% for (const [key, value] of settings) { %><dt><%= key %></dt><dd><%= value %></dd>
<% } %></dl></details>
<% } %>`;

/** `chart`: a Chart. */
export const chartFigure = `<figure id="chart-<%= chart.id %>">
<h3><%= chart.title %></h3>
<div role="img" aria-label="<%= chart.title %>. <%= chart.caption %>"><%~ chart.svg %></div>
<figcaption><%= chart.caption %></figcaption>
</figure>
`;
