// Where the labels of a scatter plot go, so that none covers a mark or another label.

/** A box in px, y downwards. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Anchor {
  x: number;
  y: number;
  /** Of its label's text. */
  width: number;
}

export interface Placed {
  /** Where the text begins, is centred or ends, by `align`; its middle in y. */
  x: number;
  y: number;
  align: 'left' | 'center' | 'right';
  box: Box;
  /** Where a line from the mark ends, if the label is so far away that one has to join them. */
  joint: { x: number; y: number } | undefined;
}

const height = 13;
/** Half of a mark's size, and the room that a label keeps to other things. */
const mark = 6;

/** Directions in the order of preference, each at growing distances: right, left, above, below, and between. */
const directions = [
  [1, 0],
  [-1, 0],
  [0, -1],
  [0, 1],
  [0.8, -0.8],
  [0.8, 0.8],
  [-0.8, -0.8],
  [-0.8, 0.8],
] as const;
const distances = [9, 17, 27, 40, 56];

/**
 * A place for every label within `bounds`, those with the most marks around them first; undefined where a label has
 * none. Intervals (`bars`) are covered only where nothing else is free, as text over a thin line can be read.
 */
export function placeLabels(
  anchors: readonly Anchor[],
  bars: readonly Box[],
  bounds: Box,
): Placed[] | undefined {
  const taken: Box[] = anchors.map(({ x, y }) => ({
    left: x - mark,
    top: y - mark,
    right: x + mark,
    bottom: y + mark,
  }));
  const crowd = ({ x, y }: Anchor) =>
    anchors.filter((other) => Math.hypot(other.x - x, (other.y - y) * 2) < 120).length;
  const order = anchors.map((_, i) => i).sort((a, b) => crowd(anchors[b]!) - crowd(anchors[a]!));
  const placed: Placed[] = [];
  for (const i of order) {
    let best: { place: Placed; cost: number } | undefined;
    for (const [near, distance] of distances.entries())
      for (const direction of directions) {
        const place = at(anchors[i]!, direction, distance);
        if (!inside(place.box, bounds) || taken.some((box) => overlap(box, place.box))) continue;
        const cost = near + 2 * bars.filter((bar) => overlap(bar, place.box)).length;
        if (!best || cost < best.cost) best = { place, cost };
      }
    if (!best) return undefined;
    placed[i] = best.place;
    taken.push(best.place.box);
  }
  return placed;
}

function at({ x, y, width }: Anchor, [dx, dy]: readonly [number, number], distance: number): Placed {
  const align = dx > 0 ? 'left' : dx < 0 ? 'right' : 'center';
  const [tx, ty] = [x + dx * distance, y + dy * (distance + height / 4)];
  const left = align === 'left' ? tx : align === 'right' ? tx - width : tx - width / 2;
  const box = { left, right: left + width, top: ty - height / 2, bottom: ty + height / 2 };
  const end = { left: tx - 2, right: tx + 2, center: tx }[align];
  const joint = { x: end, y: align === 'center' ? ty - (Math.sign(dy) * height) / 2 : ty };
  return { x: tx, y: ty, align, box, joint: distance > 17 ? joint : undefined };
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

function inside(a: Box, b: Box): boolean {
  return a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
}
