// The page of `kl` in a real browser, offline. Skipped where there is no Chromium, as browser.test.ts says.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderKl } from '../../src/report/kl/html.js';
import { executablePath, faintWords, launch, openPage, overlaps } from '../helpers/browser.js';
import { evil, sampleKl } from './sample-kl.js';

describe.skipIf(!executablePath)('the KL page in a browser', () => {
  let browser: Browser;
  let folder: string;
  let url: string;

  beforeAll(async () => {
    browser = await launch();
    folder = await mkdtemp(join(tmpdir(), 'ilf-kl-'));
    const file = join(folder, 'kl.html');
    await writeFile(file, await renderKl(sampleKl()));
    url = pathToFileURL(file).href;
  });
  afterAll(async () => {
    await browser?.close();
    if (folder) await rm(folder, { recursive: true });
  });

  it.each([
    [1100, 'light'],
    [1100, 'dark'],
    [360, 'light'],
  ] as const)('is quiet, whole and readable at %i px, %s', async (width, colorScheme) => {
    const { page, requests, logged } = await openPage(browser, url, { width, colorScheme });
    expect(requests).toEqual([]);
    expect(logged).toEqual([]);
    expect(await page.locator('#verdict').isVisible()).toBe(true);
    expect(await faintWords(page)).toEqual([]);
    if (width > 400) expect(await overlaps(page)).toEqual([]);
    const charts = page.locator('figure svg');
    expect(await charts.count()).toBe(3);
    for (const chart of await charts.all()) {
      const box = (await chart.boundingBox())!;
      expect(box.width).toBeGreaterThan(200);
      expect(box.x + box.width).toBeLessThanOrEqual(width);
    }
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
  });

  it('shades tokens by tint and by underline, the more the farther apart, in print too', async () => {
    const { page } = await openPage(browser, url, { width: 1100, colorScheme: 'light' });
    for (const media of ['screen', 'print'] as const) {
      await page.emulateMedia({ media });
      const looks = (await page.evaluate(`[0, 1, 2, 3, 4, 5].map((level) => {
        const style = getComputedStyle(document.querySelector('.legend .l' + level));
        return [style.backgroundColor, parseFloat(style.borderBottomWidth), style.printColorAdjust];
      })`)) as [string, number, string][];
      expect(new Set(looks.map(([color]) => color)).size).toBe(6);
      expect(looks.map(([, line]) => line)).toEqual([0, 1, 2, 3, 4, 5]);
      for (const [, , adjust] of looks) expect(adjust).toBe('exact');
    }
    const first = page.locator('.shaded span').first();
    expect(await first.getAttribute('class')).toBe('l5');
    expect(await first.getAttribute('title')).toBe('0.800 nats');
  });

  it('shows hostile text as text', async () => {
    const { page } = await openPage(browser, url, { width: 1100, colorScheme: 'light' });
    expect(await page.evaluate('window.owned')).toBeUndefined();
    expect(await page.locator('.shaded span').first().textContent()).toBe(evil);
    expect(await page.locator('.prompt').first().textContent()).toBe(evil);
    expect(await page.locator('img, script, main style').count()).toBe(0);
  });
});
