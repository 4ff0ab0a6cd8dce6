// A real browser for pages, where there is a Chromium: CHROMIUM=/path/to/chromium, or the usual places.
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

export const executablePath = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path));

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
}

/** Opens a page; what it requested besides itself, and what it logged. */
export async function openPage(
  browser: Browser,
  url: string,
  { width, colorScheme }: { width: number; colorScheme: 'light' | 'dark' },
): Promise<{ page: Page; requests: string[]; logged: string[] }> {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, offline: true });
  const page = await context.newPage();
  const requests: string[] = [];
  const logged: string[] = [];
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith('data:')) requests.push(request.url());
  });
  page.on('console', (message) => logged.push(message.text()));
  page.on('pageerror', (error) => logged.push(String(error)));
  await page.goto(url, { waitUntil: 'networkidle' });
  return { page, requests, logged };
}

/** Words whose contrast with what is behind them is below 4.5 (WCAG 2.1, 1.4.3), each once: the words, and the ratio. */
export const faintWords = (page: Page): Promise<string[]> =>
  page.evaluate(`(() => {
    const channels = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
    const luminance = (color) => {
      const [r, g, b] = channels(color).map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    // The colours behind it, the translucent ones over the first that is not.
    const behind = (element) => {
      const over = [];
      for (let at = element; at; at = at.parentElement) {
        const [r, g, b, alpha = 1] = channels(getComputedStyle(at).backgroundColor);
        over.push([r, g, b, alpha]);
        if (alpha === 1) break;
      }
      const mixed = over.reverse().reduce((under, [r, g, b, a]) => [r, g, b].map((c, i) => a * c + (1 - a) * under[i]), [255, 255, 255]);
      return 'rgb(' + mixed.join(' ') + ')';
    };
    const found = new Set();
    for (const element of document.querySelectorAll('body *')) {
      const words = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join('').trim();
      if (words === '' || element.getClientRects().length === 0) continue;
      const style = getComputedStyle(element);
      const color = element.namespaceURI.endsWith('svg') ? style.fill : style.color;
      // Outlined words are a halo behind others.
      if (element.namespaceURI.endsWith('svg') && style.stroke !== 'none') continue;
      const [one, other] = [luminance(color), luminance(behind(element))].sort((a, b) => b - a);
      const ratio = (one + 0.05) / (other + 0.05);
      if (ratio < 4.5) found.add(words.slice(0, 40) + ': ' + ratio.toFixed(2));
    }
    return [...found];
  })()`);

/** Labels in charts that lie over another one of the same chart, as "one | other". */
export const overlaps = (page: Page): Promise<string[]> =>
  page.evaluate(`[...document.querySelectorAll('figure svg')].flatMap((svg) => {
    const words = [...svg.querySelectorAll('text')]
      .filter((text) => text.textContent.trim() !== '' && getComputedStyle(text).stroke === 'none')
      .map((text) => ({ words: text.textContent, box: text.getBoundingClientRect() }));
    return words.flatMap((a, i) =>
      words.slice(i + 1).flatMap((b) => {
        const width = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
        const height = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
        return width > 1.5 && height > 3 ? [a.words + ' | ' + b.words] : [];
      }));
  })`);
