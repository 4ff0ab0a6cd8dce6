// Keys and values of a batch that is being decoded, and the attention of new rows to them. A prompt's are stored once and
// shared by its n rows; each row adds its own. T is the type that they are stored in, as activations are.
#pragma once
#include "vec.h"

namespace ilf {
namespace ILF_NS {

struct KvCache {
  Index layers, heads, group, Dh, vocab; // of the model; heads: of keys and values, each shared by `group` of queries
  Index P, longest, n, maxNew;    // of the open batch: prompts, longest prompt, rows per prompt, new tokens per row
  int32_t* lengths;               // [P]
  int32_t* added;                 // [P·n] new tokens that each row has
  float* prompts;                 // [layer][P][head]: keys (panels of words), values (panels of the prompt's own length)
  float* own;                     // [layer][P·n][head]: keys (panels of words), values (panels of maxNew)
  float* logits;                  // [P,V] at each prompt's last token
  float* memory;                  // what all of this lies in
  Index held;                     // floats of it
};

// Opens a batch, in the memory of the last one where that is enough. False where memory runs out.
template <class T>
bool openCache(KvCache& c, Index P, Index longest, const int32_t* lengths, Index n, Index maxNew);
void closeCache(KvCache& c);

// Of some rows, where a head of keys and values begins, where the group of query heads that share it, and numbers between rows.
template <class T>
struct Projected {
  const T *q, *k, *v;
  Index ld;
};

// One head of prompt p: stores keys and values and attends causally. y: where the group of query heads begins, rows ldy apart.
template <class T>
void attendPrompt(const KvCache& c, Index layer, Index head, Index p, const Projected<T>& of, T* y, Index ldy);

// One head of G rows of one prompt, each with one token more: stores its key and value and attends.
template <class T>
void attendRows(const KvCache& c, Index layer, Index head, Index G, const int32_t* rows, const Projected<T>& of, T* y,
                Index ldy);

// Rows that attend together at most: as many queries as are multiplied together at best.
ILF_INLINE Index mostTogether(const KvCache& c) { return most(1, 28 / c.group); }

} // namespace ILF_NS
} // namespace ilf
