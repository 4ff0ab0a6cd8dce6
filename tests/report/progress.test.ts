import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startProgress } from '../../src/report/progress.js';

/** A stream that keeps what is written to it. */
function fakeStream(isTTY: boolean) {
  const written: string[] = [];
  const stream = {
    isTTY,
    columns: 80,
    write: (text: string) => {
      written.push(text);
      return true;
    },
    cursorTo: () => true,
    clearLine: () => true,
    moveCursor: () => true,
  };
  return { stream: stream as unknown as NodeJS.WriteStream, written };
}

describe('progress', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('shows nothing for a step under a second', () => {
    for (const tty of [true, false]) {
      const { stream, written } = fakeStream(tty);
      const progress = startProgress('refine', 10, { unit: 'posts', stream });
      vi.advanceTimersByTime(900);
      progress.update(10);
      progress.stop();
      expect(written).toEqual([]);
    }
  });

  it('writes quiet lines where there is no terminal', () => {
    const { stream, written } = fakeStream(false);
    const progress = startProgress('refine', 100, { unit: 'posts', stream });
    for (let done = 1; done <= 100; done++) {
      vi.advanceTimersByTime(250);
      progress.update(done);
    }
    progress.stop();
    progress.stop();
    expect(written).toEqual([
      'refine: 40 of 100 posts, 4.0 posts/s, 15 s left\n',
      'refine: 80 of 100 posts, 4.0 posts/s, 5 s left\n',
      'refine: 100 of 100 posts in 25 s, 4.0 posts/s\n',
    ]);
  });

  it('draws a bar with rate and time left on a terminal, and leaves a line', () => {
    const { stream, written } = fakeStream(true);
    const out = vi.spyOn(process.stdout, 'write');
    const progress = startProgress('refine', 100, { unit: 'posts', stream });
    for (let done = 1; done <= 50; done++) {
      vi.advanceTimersByTime(100);
      progress.update(done);
    }
    progress.stop();
    const all = written.join('');
    expect(all).toMatch(/refine ━+─+ \d+\/100 posts {2}10 posts\/s {2}[\d.]+ s left/);
    expect(written.at(-1)).toBe('refine: 50 of 100 posts in 5 s, 10 posts/s\n');
    // Nothing that an interrupted run would leave switched: cursor and line wrapping.
    expect(all).not.toContain('\u001b[?25l');
    expect(all).not.toContain('\u001b[?7l');
    expect(out).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
    out.mockRestore();
  });
});
