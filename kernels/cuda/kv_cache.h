// Keys and values of a batch that is being decoded, and the attention of new rows to them. A prompt's are stored once and
// shared by its rows; each row adds its own.
#pragma once
#include "device.h"

namespace ilf::cuda {

struct KvCache {
  Index P, longest, n, maxNew; // of the open batch: prompts, longest prompt, rows per prompt, new tokens per row
  void* prompts;               // [layer][P][head][keys, values][longest][padded Dh]
  void* own;                   // [layer][P·n][head][keys, values][maxNew][padded Dh]
};

// A row of a step. Padding rows have row = −1; what is computed of them means nothing and goes nowhere.
struct StepRow {
  int32_t row, prompt, length, added; // the prompt's tokens, and the row's own before this one
  int32_t token;
  float uniform;
  int32_t together; // so many rows of one prompt, from this on, attend together; 0: an earlier row takes this one along
  int32_t drawn;    // the row of the last step whose draw is the token, instead of `token`; or −1
};

struct Heads {
  Index queries; // heads of queries
  Index heads;   // of keys and values, each shared by `group` heads of queries in a row
  Index Dh;
  Index group() const { return queries / heads; }
  Index width() const { return (queries + 2 * heads) * Dh; } // of a row of qkv
  Index padded() const { return (Dh + 7) / 8 * 8; }
  Index perToken() const { return 2 * heads * padded(); } // elements of one layer's keys and values
};

// How many rows of one prompt attend together, at most, in a step of these rows, padded to `padded`: 4 of one prompt read its keys
// once, where there are blocks enough all the same, and where rows do share: the kernel computes for 4 in any case.
int togetherIn(const KvCache& c, const int32_t* rows, Index R, Index padded, const Heads& h);

// Where few rows attend to many keys, several blocks share a head; what they have found meets here.
struct SplitKeys {
  float* parts;  // of each block: largest score, sum, values
  int32_t* done; // of each head of each row: blocks that are done; zeros between steps
};
size_t splitPartsBytes(const Heads& h);
size_t splitDoneBytes();

// Whether heads of this width are possible.
bool attends(Type type, Index Dh);

// Keys and values of layer `layer` from qkv [B,T,width], of prompts order[B] (device), as many tokens as lengths[prompt].
void storePrompts(Type type, const KvCache& c, const Heads& h, Index layer, Index B, Index T, const int32_t* order,
                  const int32_t* lengths, const void* qkv);

// qkv [rows,width] of new tokens: stores their keys and values, attends: y [rows,queries,Dh]. The cache and the rows, of which
// `together` attend together at most, are read by the device when it comes to it.
void attendRows(Type type, const KvCache* c, const StepRow* stepRows, Index rows, int together, const Heads& h, Index layer,
                const SplitKeys& split, const void* qkv, void* y);

} // namespace ilf::cuda
