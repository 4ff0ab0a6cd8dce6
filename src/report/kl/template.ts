// The page of `kl`.
import { klBlock, klMeaning } from '../page/kl-block.js';
import { chartFigure, head, settingsBlocks } from '../page/template.js';

/** What this page adds to the style of all. A level has a tint and an underline: either alone tells it, also in black and white. */
export const klStyle = `
.shaded { margin: .25rem 0 0; white-space: pre-wrap; line-height: 2; }
.shaded span, .legend .swatch { print-color-adjust: exact; -webkit-print-color-adjust: exact; border-bottom: 0 solid var(--chart-2); }
.shaded .l1, .legend .l1 { background: rgb(213 94 0 / .08); border-bottom-width: 1px; }
.shaded .l2, .legend .l2 { background: rgb(213 94 0 / .17); border-bottom-width: 2px; }
.shaded .l3, .legend .l3 { background: rgb(213 94 0 / .28); border-bottom-width: 3px; }
.shaded .l4, .legend .l4 { background: rgb(213 94 0 / .42); border-bottom-width: 4px; }
.shaded .l5, .legend .l5 { background: rgb(213 94 0 / .58); border-bottom-width: 5px; }
.legend { display: flex; flex-wrap: wrap; gap: .4rem 1.25rem; margin: .75rem 0; padding: 0; list-style: none; font-size: .85rem; }
.legend .swatch { display: inline-block; width: 1.6em; height: 1.5em; margin-right: .4em; vertical-align: middle; outline: 1px solid var(--line); }
.sample h3 { margin-bottom: .5rem; }
.sample .prompt { color: var(--soft); font-size: .85rem; white-space: pre-wrap; max-height: 10rem; overflow-y: auto; }
@media print { .sample .prompt { max-height: none; } .charts { display: block; } figure { margin-bottom: 1rem; } nav { display: none; } }
`;

export const klPage = `${head}
<body>
<main>
<header>
<h1><%= it.report.title %></h1>
<p><%= it.report.texts %></p>
<p class="verdict" id="verdict"><%= it.lead %></p>
<nav aria-label="Sections">
<% for (const [id, name] of it.sections) { %><a href="#<%= id %>"><%= name %></a>
<% } %></nav>
</header>

<section id="kl">
<h2><%= it.given ? 'What was measured' : 'How far the models are apart' %></h2>
<dl class="facts">
<dt>tuned</dt><dd><%= it.report.tuned %></dd>
<dt>base</dt><dd><%= it.report.base %></dd>
</dl>
<% if (it.given) { %><p>The texts were given, whoever wrote them. At every token’s prefix the exact KL over the vocabulary says how far the models are apart there, in either direction; it is not KL(tuned ‖ base), which is a mean over texts that the tuned model writes itself. The log-likelihood ratio says which model the texts are likelier under. Nothing is clamped.</p>
<% } else { %>${klMeaning}<% } %>
<% for (const kl of it.kl) { %>${klBlock}<% } %>
</section>

<section id="charts">
<h2>Where it lies</h2>
<div class="charts">
<% for (const chart of it.charts) { %>${chartFigure}<% } %>
</div>
</section>

<section id="samples">
<h2>Token by token</h2>
<p class="soft">Some texts, each token shaded by the exact KL over the vocabulary at its prefix, before the token was known. ⏎ is a line break, ⟨end⟩ the end of the text.</p>
<ul class="legend" aria-label="Legend">
<% for (const { level, text } of it.legend) { %><li><span class="swatch l<%= level %>"></span><%= text %></li>
<% } %></ul>
<% for (const sample of it.samples) { %>
<article class="sample">
<h3><%= sample.title %></h3>
<% if (sample.prompt !== '') { %><div class="prompt" dir="auto" tabindex="0"><%= sample.prompt %></div><% } %>
<p class="shaded" dir="auto"><% for (const { text, level, kl } of sample.tokens) { %><span class="l<%= level %>" title="<%= kl %> nats"><%= text %></span><% } %></p>
</article>
<% } %>
</section>

<section id="made">
<h2>How it was made</h2>
<dl class="facts">
<dt>Folder</dt><dd><%= it.report.out %></dd>
<dt>Time</dt><dd><%= it.time %></dd>
</dl>
${settingsBlocks('Options')}
</section>
</main>
</body>
</html>
`;
