export { type Chart, reportCharts } from './charts.js';
export { formatSeconds } from './format.js';
export { renderHtml } from './html.js';
export { type Progress, type ProgressOptions, startProgress } from './progress.js';
export { rowGroups, verdict } from './rows.js';
export { finalTable, plain, renderFinal, renderSample, type Terminal, terminalOf, wrap } from './terminal.js';
export * from './types.js';
