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
