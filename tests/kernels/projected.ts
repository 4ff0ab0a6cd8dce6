/** Queries, keys and values as attentionForward and attentionBackward take them: nine of their arguments. */
import type { Activations } from '../../src/engine/native.js';

type Arguments = [
  ...[q: Activations, at: number, ld: number],
  ...[k: Activations, at: number, ld: number],
  ...[v: Activations, at: number, ld: number],
];

/** One array [B,T,(H + 2·KV)·Dh]. */
export function packed(qkv: Activations, H: number, Dh: number, KV = H): Arguments {
  const ld = (H + 2 * KV) * Dh;
  return [qkv, 0, ld, qkv, H * Dh, ld, qkv, (H + KV) * Dh, ld];
}

/** Three arrays [B,T,H·Dh] and [B,T,KV·Dh]. */
export function apart(
  q: Activations,
  k: Activations,
  v: Activations,
  H: number,
  Dh: number,
  KV = H,
): Arguments {
  return [q, 0, H * Dh, k, 0, KV * Dh, v, 0, KV * Dh];
}
