// The page of report.html as an eta template: `<%= %>` escapes, `<%~ %>` does not and is only for our own SVG and CSS.
// What experiment-template.ts and kl-template.ts share with it has names of its own. A string in a module rather than a file
// beside it, so that the compiled program needs no copy step.

export const style = `
:root {
  color-scheme: light dark;
  --paper: #fbfbfa; --card: #fff; --ink: #1d2127; --soft: #5b626d; --line: #e3e5e9;
  --accent: #0072b2; --tint: #eef5fa;
  --chart-faint: #7d838d; --chart-grid: #e3e5e9;
  --chart-1: #0072b2; --chart-2: #d55e00; --chart-3: #008f68; --chart-4: #a85a8c;
  --chart-5: #2f93cf; --chart-6: #b97f00; --chart-7: #857a00;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --card: #1b1f25; --ink: #e6e8eb; --soft: #a0a7b2; --line: #2d333b;
    --accent: #62b6ea; --tint: #1a2833;
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

/** `chart`: a Chart. */
export const chartFigure = `<figure id="chart-<%= chart.id %>">
<h3><%= chart.title %></h3>
<div role="img" aria-label="<%= chart.title %>. <%= chart.caption %>"><%~ chart.svg %></div>
<figcaption><%= chart.caption %></figcaption>
</figure>
`;

/** What the directions and the estimators say. */
export const klMeaning = `<p>KL(a ‖ b) is estimated from texts that a writes. KL(tuned ‖ base) asks what the tuned model says that the base would not: large where tuning added something. KL(base ‖ tuned) asks what the tuned model forgot: large where it stopped saying things. With r the ratio of the second model’s probability to the first’s, k1 = −log r and k3 = (r − 1) − log r are unbiased, k2 = ½ (log r)² is not; the exact-per-prefix estimate (Rao–Blackwellised) sums the whole vocabulary’s divergence at each sampled prefix, and as a rule varies least. The k3 of a whole sequence can have an enormous variance, and then lies below the truth in most samples, its interval too; summed over tokens it is far tamer. Nothing is clamped.</p>`;

/** `kl`: a KlView. */
export const klBlock = `<div class="kl">
<h3><%= kl.title %></h3>
<dl class="facts">
<% for (const [name, value] of kl.facts) { %><dt><%= name %></dt><dd><%= value %></dd>
<% } %></dl>
<div class="scroll"><table>
<thead><tr><th>estimator</th><th class="num">nats per sequence</th><th>interval</th><th class="num">nats per token</th><th>interval</th></tr></thead>
<tbody>
<% for (const row of kl.rows) { %><tr><th scope="row"><%= row.estimator %></th><td class="num"><%= row.sequence %></td><td class="interval"><%= row.sequenceInterval %></td><td class="num"><%= row.token %></td><td class="interval"><%= row.tokenInterval %></td></tr>
<% } %></tbody>
</table></div>
</div>
`;

export const page = `${head}
<body>
<main>
<header>
<h1><%= it.report.title %></h1>
<p><%= it.report.task %>. Feedback: <%= it.report.annotator %>.<% if (it.report.judge) { %> Judge: <%= it.report.judge %>.<% } %></p>
<p class="verdict" id="verdict"><%= it.verdict %></p>
<nav aria-label="Sections">
<% for (const [id, name] of it.sections) { %><a href="#<%= id %>"><%= name %></a>
<% } %></nav>
</header>

<section id="measures">
<h2>All measures</h2>
<p class="soft">Intervals: <%= it.report.interval %>. n counts contexts. A signed number before an interval is the paired difference, and the interval is its; other intervals are of “after”.</p>
<table class="measures">
<thead><tr><th>measure</th><th class="num">before</th><th class="num">after</th><th>interval</th><th class="num">n</th></tr></thead>
<% for (const group of it.groups) { %>
<tbody>
<tr class="group"><th colspan="5" scope="rowgroup"><%= group.title %><span class="soft"><%= group.absent ?? group.note %></span></th></tr>
<% for (const row of group.rows) { %>
<tr><th scope="row"><%= row.measure %></th><td class="num" data-label="before"><%= row.before %></td><td class="num" data-label="after"><%= row.after %></td><td class="interval" data-label="interval"><%= row.interval %></td><td class="num" data-label="n"><%= row.n %></td></tr>
<% } %>
</tbody>
<% } %>
</table>
</section>

<% if (it.charts.length > 0) { %>
<section id="charts">
<h2>Charts</h2>
<div class="charts">
<% for (const chart of it.charts) { %>
${chartFigure}<% } %>
</div>
</section>
<% } %>

<section id="samples">
<h2>Sample <%= it.report.words.contexts %></h2>
<% if (it.samples.length === 0) { %><p class="soft">This run kept no samples.</p><% } else { %>
<p class="soft">What each step made of them.<% if (it.scored) { %> Scores by the judge.<% } %></p>
<% } %>
<% for (const sample of it.samples) { %>
<article class="sample"><dl>
<% for (const part of sample) { %>
<dt><%= part.label %><% if (part.score !== '') { %> <span class="score"><%= part.score %></span><% } %></dt><dd class="<%= part.kind %>" dir="auto"<% if (part.kind === 'context') { %> tabindex="0"<% } %>><%= part.text %></dd>
<% } %>
</dl></article>
<% } %>
</section>

<section id="kl">
<h2>How far the models are apart</h2>
${klMeaning}
<% if (it.kl.length === 0) { %><p class="soft"><%= it.report.absent?.kl ?? 'Not measured in this run.' %></p><% } %>
<% for (const kl of it.kl) { %>
${klBlock}<% } %>
</section>

<section id="bayes">
<h2>The Bayesian view</h2>
<p>Learning from feedback is inference. The target is the distribution of good outputs for a context c, p(x | c, good) ∝ π₀(x | c) · exp(β R(x, c)), where R is the ranker’s score; the ILF papers leave the prior π₀ out. Refinements x₁ are samples from a proposal (write, be told, rewrite), and the ranker’s weights turn them into samples of the target. Tuning on them minimises KL(target ‖ model): it <em>covers the mass</em>, so the model is punished for missing a good output. Reinforcement learning with a KL penalty aims at the same target by KL(model ‖ target), which <em>seeks a mode</em>.</p>
<% if (it.posterior) { %>
<dl class="facts">
<% for (const [name, value] of it.posterior) { %><dt><%= name %></dt><dd><%= value %></dd>
<% } %></dl>
<% } else { %><p class="soft">This run did not record its posterior weights.</p><% } %>
</section>

<section id="made">
<h2>How it was made</h2>
<dl class="facts">
<dt>Run</dt><dd><%= it.report.run %></dd>
<dt>Time</dt><dd><%= it.time %></dd>
</dl>
<% for (const [name, settings] of it.settings) { %>
<details<% if (name === 'Seeds') { %> open<% } %>><summary><%= name %></summary>
<dl class="facts"><% for (const [key, value] of settings) { %><dt><%= key %></dt><dd><%= value %></dd>
<% } %></dl></details>
<% } %>
</section>
</main>
</body>
</html>
`;
