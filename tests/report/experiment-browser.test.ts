// The experiment's page in a real browser, offline. Skipped where there is no Chromium, as browser.test.ts says.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderExperiment } from '../../src/report/experiment/html.js';
import { executablePath, faintWords, launch, openPage, overlaps } from '../helpers/browser.js';
import { sampleExperiment } from './sample-experiment.js';

const evil = `</td></script><script>window.owned = 1</script><img src="http://127.0.0.1:9/x" onerror="window.owned = 1"><style>body{display:none}</style>`;

describe.skipIf(!executablePath)('the experiment’s page in a browser', () => {
  let browser: Browser;
  let folder: string;
  let url: string;

  beforeAll(async () => {
    browser = await launch();
    folder = await mkdtemp(join(tmpdir(), 'ilf-experiment-'));
    const report = sampleExperiment();
    report.sections[1]!.claims[0]!.note = evil;
    report.sections[1]!.text.push(evil);
    report.options.data = evil;
    const file = join(folder, 'experiment.html');
    await writeFile(file, await renderExperiment(report));
    url = pathToFileURL(file).href;
  });
  afterAll(async () => {
    await browser?.close();
    if (folder) await rm(folder, { recursive: true });
  });

  async function everyFigureIsSeen(page: Page, width: number): Promise<void> {
    const figures = page.locator('figure');
    expect(await figures.count()).toBe(5);
    for (const figure of await figures.all()) {
      expect(await figure.isVisible()).toBe(true);
      const box = (await figure.boundingBox())!;
      expect(box.x + box.width).toBeLessThanOrEqual(width);
      const svg = (await figure.locator('svg').boundingBox())!;
      expect(svg.width).toBeGreaterThan(200);
      expect(svg.height).toBeGreaterThan(150);
    }
  }

  it.each([
    [1200, 'light'],
    [1200, 'dark'],
    [390, 'light'],
    [390, 'dark'],
  ] as const)('is quiet, whole and readable at %i px, %s', async (width, colorScheme) => {
    const { page, requests, logged } = await openPage(browser, url, { width, colorScheme });
    expect(requests).toEqual([]);
    expect(logged).toEqual([]);
    expect(await page.locator('#verdict').isVisible()).toBe(true);
    expect(await faintWords(page)).toEqual([]);
    if (width > 400) expect(await overlaps(page)).toEqual([]);
    await everyFigureIsSeen(page, width);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    const smallest = await page.evaluate(
      `Math.min(...[...document.querySelectorAll('figure svg text')].map((t) => t.getBoundingClientRect().height).filter((h) => h > 0))`,
    );
    expect(smallest).toBeGreaterThan(8);
  });

  it('has every claim’s verdict in sight on a phone, without scrolling sideways', async () => {
    const { page } = await openPage(browser, url, { width: 390, colorScheme: 'light' });
    const verdicts = page.locator('#claims td.verdict');
    expect(await verdicts.count()).toBe(25);
    for (const verdict of await verdicts.all()) {
      const box = (await verdict.boundingBox())!;
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(390);
    }
  });

  it('lets no label of the frontier cover another as drawn', async () => {
    const { page } = await openPage(browser, url, { width: 1200, colorScheme: 'light' });
    // The outlines under the labels are texts too: only those in ink are compared.
    const covered = (await page.evaluate(`(() => {
      const texts = [...document.querySelectorAll('#figure-frontier svg .mark-text text')].filter((t) => t.getAttribute('fill') === 'currentColor');
      const boxes = texts.map((t) => [t.textContent, t.getBoundingClientRect()]);
      return [boxes.length, boxes.flatMap(([a, p], i) => boxes.slice(i + 1)
        .filter(([, q]) => p.left < q.right && q.left < p.right && p.top + 3 < q.bottom && q.top + 3 < p.bottom).map(([b]) => a + ' / ' + b))];
    })()`)) as [number, string[]];
    expect(covered[0]).toBeGreaterThanOrEqual(16);
    expect(covered[1]).toEqual([]);
  });

  it('follows the colour scheme, and prints dark on white whatever the screen is', async () => {
    const look = (page: Page) =>
      page.evaluate(
        `[getComputedStyle(document.body).color, getComputedStyle(document.querySelector('figure svg text')).fill, getComputedStyle(document.querySelector('figure')).backgroundColor]`,
      );
    const { page } = await openPage(browser, url, { width: 1200, colorScheme: 'light' });
    const light = await look(page);
    const dark = await openPage(browser, url, { width: 794, colorScheme: 'dark' });
    const darkLook = await look(dark.page);
    expect(darkLook).not.toEqual(light);
    await dark.page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await look(dark.page)).toEqual(light);
    await everyFigureIsSeen(dark.page, 794);
    expect(await dark.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(794);
    expect((await dark.page.pdf({ format: 'A4' })).subarray(0, 5).toString()).toBe('%PDF-');
  });

  it('shows hostile text as text', async () => {
    const { page } = await openPage(browser, url, { width: 1200, colorScheme: 'light' });
    expect(await page.evaluate('window.owned')).toBeUndefined();
    expect(await page.locator('#claims td.note', { hasText: 'window.owned' }).textContent()).toBe(evil);
    expect(await page.locator('img, script, main style').count()).toBe(0);
  });
});
