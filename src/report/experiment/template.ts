// The page of `experiment`.
import { head, settingsBlocks } from '../page/template.js';

/** What this page adds to the style of all. */
export const experimentStyle = `
main { max-width: 66rem; }
pre { margin: 1rem 0 0; padding: .6rem .9rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; overflow-x: auto; font-size: .85rem; }
header > p.soft { margin-top: 1rem; }
.main { margin-top: 2rem; }
.charts { margin-top: 1.25rem; align-items: start; grid-template-columns: repeat(auto-fill, minmax(min(100%, 25rem), 1fr)); }
figure.wide { grid-column: 1 / -1; }
figure.wide svg { max-width: 54rem; min-width: 38rem; }
h3 { margin: 1.75rem 0 .25rem; }
figure h3 { margin: 0; }
table.values td, table.values th[scope=col] { padding-right: 1.25rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
table.values tbody th { min-width: 9rem; }
table.values .soft { display: block; font-size: .78rem; }
table.claims th[scope=row] { width: 26%; min-width: 12rem; }
table.claims td[data-label=theirs], table.claims td[data-label=ours] { min-width: 7.5rem; }
table.claims .soft { display: block; font-size: .8rem; }
table.claims td { font-variant-numeric: tabular-nums; }
table.claims td.difference, table.claims td.verdict { white-space: nowrap; }
.verdicts { margin: 1rem 0; font-size: .875rem; }
.verdicts dt { margin-top: .5rem; }
.verdicts ul { margin: .5rem 0 0; padding-left: 1.1rem; max-width: 44rem; }
td.verdict, dt.verdict { font-weight: 600; }
.verdict .sign { display: inline-block; width: 1.4em; text-align: center; }
.verdict.held { color: var(--held); } .verdict.failed { color: var(--failed); }
.verdict.undecided, .verdict.absent { color: var(--soft); }
@media (max-width: 40rem) {
  table.claims .soft { text-align: right; }
  table.claims th[scope=row] { width: auto; font-weight: 500; margin-bottom: .25rem; }
  table.claims td.verdict { justify-content: flex-start; margin-bottom: .2rem; }
  table.claims td.note { display: block; text-align: left; color: var(--soft); font-size: .85rem; }
  table.claims td.note[data-label]::before { content: none; }
}
@media print {
  main { max-width: none; padding: 0; }
  body { font-size: 11pt; }
  nav { display: none; }
  .charts { display: block; } figure { margin-bottom: 1rem; }
  .scroll { overflow: visible; }
  table { font-size: 8.5pt; } thead th { font-size: 8pt; }
  table.claims .soft, table.values .soft { font-size: 7.5pt; }
  table.claims th[scope=row], table.claims td { min-width: 0; }
  tr { break-inside: avoid; } h2, h3 { break-after: avoid; }
  figure.wide svg { min-width: 0; }
  table.values td, table.values th[scope=col] { padding-right: .5rem; white-space: normal; }
  pre { white-space: pre-wrap; }
}
`;

/** `it.claims`: rows of claimRow(). On a phone a claim is a block, so its word comes before its numbers. */
export const claimsTable = `<div class="scroll" tabindex="0" role="region" aria-label="<%= it.label %>"><table class="measures claims">
<thead><tr><th scope="col">claim</th><th scope="col">theirs</th><th scope="col">ours</th><th scope="col">difference</th><th scope="col">verdict here</th><th scope="col">note</th></tr></thead>
<tbody>
<% for (const row of it.claims) { %><tr><th scope="row"><%= row.claim %></th><td data-label="theirs"><%= row.theirs %></td><td data-label="ours"><%= row.ours %></td><td class="difference" data-label="difference"><span><%= row.difference %><% if (row.interval !== '') { %> <span class="soft"><%= row.interval %></span><% } %></span></td><td class="verdict <%= row.style %>"><span><span class="sign" aria-hidden="true"><%= row.sign %></span><%= row.verdict %></span></td><td class="note" data-label="note"><%= row.note %></td></tr>
<% } %></tbody>
</table></div>`;

const figure = `<figure id="figure-<%= figure.id %>"<% if (figure.wide) { %> class="wide"<% } %>>
<h3><%= figure.title %></h3>
<div class="scroll" role="img" aria-label="<%= figure.title %>. <%= figure.caption %>"<% if (figure.wide) { %> tabindex="0"<% } %>><%~ figure.svg %></div>
<figcaption><%= figure.caption %></figcaption>
</figure>`;

export const experimentPage = `${head}
<body>
<main>
<header>
<h1><%= it.report.title %></h1>
<p>Feedback: <%= it.report.annotator %>. Judge: <%= it.report.judge %>. <%= it.size %></p>
<p class="verdict" id="verdict"><%= it.lead %></p>
<dl class="facts verdicts">
<% for (const row of it.verdicts) { %><dt class="verdict <%= row.style %>"><span class="sign" aria-hidden="true"><%= row.sign %></span><%= row.verdict %></dt><dd><ul><% for (const claim of row.claims) { %><li><%= claim %></li><% } %></ul></dd>
<% } %></dl>
<% if (it.report.quick) { %><p class="soft">A quick run: small, to see that all of it works. Its intervals are wide, and what it leaves undecided the full run may decide.</p><% } %>
<pre><code><%= it.report.command %></code></pre>
<nav aria-label="Sections">
<% for (const [id, name] of it.nav) { %><a href="#<%= id %>"><%= name %></a>
<% } %></nav>
</header>

<% if (it.main) { const figure = it.main; %><div class="main">${figure}</div><% } %>

<section id="claims">
<h2>Claims</h2>
<p class="soft">What was published, what came out here, and the difference that decides, with its interval: above 0 the claim held, below 0 it failed, and with 0 inside it is undecided.<% if (it.doubted) { %> Here nothing is concluded, whatever the interval; the notes say why.<% } %> Intervals: <%= it.report.interval %>.</p>
<% if (it.claims) { %><%~ it.claims %><% } else { %><p class="soft">No claim was tested.</p><% } %>
</section>

<% for (const section of it.sections) { %>
<section id="section-<%= section.id %>">
<h2><%= section.title %></h2>
<% for (const paragraph of section.text) { %><p><%= paragraph %></p>
<% } %>
<% if (section.claims) { %><%~ section.claims %><% } %>
<% for (const table of section.tables) { %>
<h3><%= table.title %></h3>
<% if (table.caption !== '') { %><p class="soft"><%= table.caption %></p><% } %>
<div class="scroll" tabindex="0" role="region" aria-label="<%= table.title %>"><table class="values">
<thead><tr><td></td><% for (const name of table.columns) { %><th scope="col"><%= name %></th><% } %></tr></thead>
<tbody>
<% for (const row of table.rows) { %><tr><th scope="row"><%= row.label %></th><% for (const cell of row.cells) { %><td><%= cell.value %><% if (cell.interval !== '') { %> <span class="soft"><%= cell.interval %></span><% } %></td><% } %></tr>
<% } %></tbody>
</table></div>
<% } %>
<% if (section.figures.length > 0) { %><div class="charts">
<% for (const figure of section.figures) { %>${figure}
<% } %></div><% } %>
</section>
<% } %>

<section id="made">
<h2>How it was made</h2>
<dl class="facts">
<dt>Command</dt><dd><code><%= it.report.command %></code></dd>
<dt>Seeds</dt><dd><%= it.report.seeds.join(', ') %></dd>
<dt>Held-out contexts</dt><dd><%= it.report.contexts %></dd>
<dt>Intervals</dt><dd><%= it.report.interval %></dd>
<dt>Time</dt><dd><%= it.time %></dd>
</dl>
${settingsBlocks()}
</section>
</main>
</body>
</html>
`;
