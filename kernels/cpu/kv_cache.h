// Keys and values of a batch that is being decoded, and the attention of new rows to them. A prompt's are stored once and
// shared by its n rows; each row adds its own. T is the type that they are stored in, as activations are.
#pragma once
#include "vec.h"

namespace ilf {
namespace ILF_NS {

struct KvCache {
  Index layers, heads, Dh, vocab; // of the model
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

// One head of prompt p: stores keys and values and attends causally. q: the prompt's first row of qkv at this head, rows
// 3·heads·Dh apart; y: rows ldy apart.
template <class T>
void attendPrompt(const KvCache& c, Index layer, Index head, Index p, const T* q, T* y, Index ldy);

// One head of G rows of one prompt, each with one token more: stores its key and value and attends.
constexpr Index kMostTogether = 28;
template <class T>
void attendRows(const KvCache& c, Index layer, Index head, Index G, const int32_t* rows, const T* q, T* y, Index ldy);

} // namespace ILF_NS
} // namespace ilf
