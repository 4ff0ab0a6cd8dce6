// The report in a real browser: nothing is requested, nothing is logged, charts are there, hostile text is text.
// Runs where there is a Chromium (CHROMIUM=/path/to/chromium, or the usual places), and is skipped elsewhere.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderHtml } from '../../src/report/run/html.js';
import { executablePath, faintWords, launch, openPage, overlaps } from '../helpers/browser.js';
import { sampleReport } from './sample-report.js';

if (!executablePath) console.warn('report in a browser: skipped, no Chromium found; set CHROMIUM to one');

const evil = `</dd></script><script>window.owned = 1</script><img src="http://127.0.0.1:9/x" onerror="window.owned = 1"><style>body{display:none}</style>`;

describe.skipIf(!executablePath)('report.html in a browser', () => {
  let browser: Browser;
  let folder: string;
  let url: string;

  beforeAll(async () => {
    browser = await launch();
    folder = await mkdtemp(join(tmpdir(), 'ilf-report-'));
    const report = sampleReport();
    report.samples[0] = { ...report.samples[0]!, context: evil, tuned: evil };
    report.options.data = evil;
    const file = join(folder, 'report.html');
    await writeFile(file, await renderHtml(report));
    url = pathToFileURL(file).href;
  });
  afterAll(async () => {
    await browser?.close();
    if (folder) await rm(folder, { recursive: true });
  });

  const open = (width: number, colorScheme: 'light' | 'dark') =>
    openPage(browser, url, { width, colorScheme });

  it.each([
    [1100, 'light'],
    [1100, 'dark'],
    [360, 'light'],
  ] as const)('is quiet, whole and readable at %i px, %s', async (width, colorScheme) => {
    const { page, requests, logged } = await open(width, colorScheme);
    expect(requests).toEqual([]);
    expect(logged).toEqual([]);
    expect(await page.locator('#verdict').isVisible()).toBe(true);

    const charts = page.locator('figure svg');
    expect(await charts.count()).toBe(10);
    for (const chart of await charts.all()) {
      const box = (await chart.boundingBox())!;
      expect(box.width).toBeGreaterThan(200);
      expect(box.x + box.width).toBeLessThanOrEqual(width);
    }
    // No sideways scrolling, and text in charts that is at least 8 px high as drawn.
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    const smallest = await page.evaluate(
      `Math.min(...[...document.querySelectorAll('figure svg text')].map((t) => t.getBoundingClientRect().height).filter((h) => h > 0))`,
    );
    expect(smallest).toBeGreaterThan(8);
  });

  it('draws intervals as marks of their own', async () => {
    const { page } = await open(1100, 'light');
    // Three shares, three intervals, none of no length.
    const lengths = await page
      .locator('#chart-incorporated svg .mark-rule line[stroke*="chart-1"]')
      .evaluateAll((lines) =>
        lines.map(
          (line) =>
            (line as unknown as { getBoundingClientRect(): { width: number } }).getBoundingClientRect().width,
        ),
      );
    expect(lengths).toHaveLength(3);
    for (const length of lengths) expect(length).toBeGreaterThan(5);
  });

  it.each(['light', 'dark'] as const)(
    'has no words of less contrast than 4.5 to 1, %s',
    async (colorScheme) => {
      const { page } = await open(1100, colorScheme);
      expect(await faintWords(page)).toEqual([]);
    },
  );

  it('has no axis label over another', async () => {
    const { page } = await open(1100, 'light');
    expect(await overlaps(page)).toEqual([]);
  });

  it('follows the colour scheme, charts too', async () => {
    const look = async (scheme: 'light' | 'dark') => {
      const { page } = await open(1100, scheme);
      return page.evaluate(
        `[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('figure svg text')).fill]`,
      ) as Promise<[string, string]>;
    };
    const [light, dark] = [await look('light'), await look('dark')];
    expect(light[0]).not.toBe(dark[0]);
    expect(light[1]).not.toBe(dark[1]);
  });

  it('shows hostile text as text', async () => {
    const { page } = await open(1100, 'light');
    expect(await page.evaluate('window.owned')).toBeUndefined();
    expect(await page.locator('dd.context').first().textContent()).toBe(evil);
    expect(await page.locator('dd.tuned').first().textContent()).toBe(evil);
    expect(await page.locator('img, script, main style').count()).toBe(0);
  });
});
