/** The parameters that a description asks for: their roles, shapes and Hugging Face's names. */
import type { Description, LayerPart, LinearPart, Names, OuterPart } from './description.js';

export interface Parameter {
  /** What it is to the model, such as "layers.3.attention.q.weight" or "embedding.weight". */
  readonly role: string;
  /** Hugging Face's name. */
  readonly name: string;
  readonly shape: number[];
}

/** [in, out] of each linear part that a layer has. */
export function linearParts(d: Description): Partial<Record<LinearPart, [number, number]>> {
  const { heads, kvHeads, headDim, packed } = d.attention;
  const [D, I] = [d.width, d.mlp.inner];
  const [ofQ, ofK] = [heads * headDim, kvHeads * headDim];
  return {
    ...(packed
      ? { 'attention.qkv': [D, ofQ + 2 * ofK] }
      : { 'attention.q': [D, ofQ], 'attention.k': [D, ofK], 'attention.v': [D, ofK] }),
    'attention.out': [ofQ, D],
    ...(d.mlp.gated && { 'mlp.gate': [D, I] }),
    'mlp.up': [D, I],
    'mlp.down': [I, D],
  };
}

/** Shapes of a part's weight and, where it has one, bias; null where the model has no such part. */
function shapesOf(d: Description, part: LayerPart | OuterPart): { weight: number[]; bias?: number[] } | null {
  if (part === 'embedding') return { weight: [d.vocab, d.width] };
  if (part === 'positions') return d.place === 'learned' ? { weight: [d.positions, d.width] } : null;
  if (part === 'head') return d.tied ? null : { weight: [d.vocab, d.width] };
  if (part === 'norm' || part === 'attention.norm' || part === 'mlp.norm')
    return { weight: [d.width], ...(d.norm.kind === 'layer' && { bias: [d.width] }) };
  const sizes = linearParts(d)[part];
  if (!sizes) return null;
  const weight = d.transposed ? sizes.toReversed() : sizes;
  return { weight, ...(d.biases.includes(part) && { bias: [sizes[1]] }) };
}

export function parametersOf(d: Description, names: Names): Parameter[] {
  const list: Parameter[] = [];
  const add = (part: LayerPart | OuterPart, role: string, name: string) => {
    for (const [which, shape] of Object.entries(shapesOf(d, part) ?? {}))
      list.push({ role: `${role}.${which}`, name: `${name}.${which}`, shape });
  };
  for (const key of Object.keys(names) as (keyof Names)[]) {
    if (key !== 'layers') {
      add(key, key, names[key]!);
      continue;
    }
    const { prefix, parts } = names.layers;
    for (let i = 0; i < d.layers; i++)
      for (const [part, name] of Object.entries(parts))
        add(part as LayerPart, `layers.${i}.${part}`, `${prefix}.${i}.${name}`);
  }
  return list;
}
