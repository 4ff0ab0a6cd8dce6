// The page of report.html.
import { klBlock, klMeaning } from '../page/kl-block.js';
import { chartFigure, head, settingsBlocks } from '../page/template.js';

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
<p class="soft">Intervals: <%= it.report.interval %>. n counts contexts. An arrow leads from the base model to the tuned one; the interval is then the tuned one’s, or, after a signed number, that paired difference’s.</p>
<table class="measures">
<thead><tr><th>measure</th><th class="num">value</th><th>interval</th><th class="num">n</th></tr></thead>
<% for (const group of it.groups) { %>
<tbody>
<tr class="group"><th colspan="4" scope="rowgroup"><%= group.title %><span class="soft"><%= group.absent ?? group.note %></span></th></tr>
<% for (const row of group.rows) { %>
<tr><th scope="row"><%= row.measure %></th><td class="num" data-label="value"><%= row.value %></td><td class="interval" data-label="interval"><%= row.interval %></td><td class="num" data-label="n"><%= row.n %></td></tr>
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
<p class="soft">What each step made of them.<% if (it.scored) { %> Scores: <%= it.report.scorer ?? it.report.judge ?? 'the judge' %>.<% } %></p>
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
${settingsBlocks('Seeds')}
</section>
</main>
</body>
</html>
`;
