import { describe, expect, it } from 'vitest';
import { type Anchor, type Box, placeLabels } from '../../src/report/charts/place-labels.js';
import { uniform } from '../bayes/tiny-model.js';

const bounds = { left: 0, top: 0, right: 600, bottom: 400 };
const overlap = (a: Box, b: Box) =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
const markOf = ({ x, y }: Anchor) => ({ left: x - 5, right: x + 5, top: y - 5, bottom: y + 5 });

describe('labels of a scatter plot', () => {
  it('cover neither marks nor each other, and stay inside', () => {
    const random = uniform(5);
    let placedAll = 0;
    for (let trial = 0; trial < 30; trial++) {
      const anchors = Array.from({ length: 16 }, () => ({
        x: 20 + 560 * random(),
        y: 20 + 360 * random(),
        width: 30 + 90 * random(),
      }));
      const placed = placeLabels(anchors, [], bounds);
      if (!placed) continue;
      placedAll++;
      const boxes = placed.map(({ box }) => box);
      for (const [i, box] of boxes.entries()) {
        expect(anchors.some((anchor) => overlap(markOf(anchor), box))).toBe(false);
        expect(boxes.some((other, j) => j !== i && overlap(other, box))).toBe(false);
        expect(box.left >= 0 && box.right <= 600 && box.top >= 0 && box.bottom <= 400).toBe(true);
      }
    }
    expect(placedAll).toBeGreaterThan(20);
  });

  it('keep off intervals where they can', () => {
    const anchor = { x: 300, y: 200, width: 80 };
    const across = { left: 200, right: 400, top: 200, bottom: 200 };
    const along = { left: 300, right: 300, top: 150, bottom: 250 };
    const [place] = placeLabels([anchor], [across, along], bounds)!;
    expect(overlap(place!.box, across) || overlap(place!.box, along)).toBe(false);
    expect(place!.joint).toBeUndefined();
  });

  it('join a label that had to go far to its mark', () => {
    // Everything near is taken: by marks all around.
    const ring = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => ({
      x: 300 + 16 * Math.cos((k * Math.PI) / 4),
      y: 200 + 16 * Math.sin((k * Math.PI) / 4),
      width: 10,
    }));
    const placed = placeLabels([...ring, { x: 300, y: 200, width: 60 }], [], bounds)!;
    expect(placed.at(-1)!.joint).toBeDefined();
  });

  it('are refused where one finds no place', () => {
    expect(placeLabels([{ x: 300, y: 200, width: 700 }], [], bounds)).toBeUndefined();
    const same = Array.from({ length: 60 }, () => ({ x: 300, y: 200, width: 90 }));
    expect(placeLabels(same, [], bounds)).toBeUndefined();
    expect(placeLabels([], [], bounds)).toEqual([]);
  });
});
