/**
 * The native addon's functions (kernels/binding), as the rest of src/engine calls them.
 *
 * Arrays are row-major float32 unless said otherwise, and in the engine's memory where their type is FloatArray or Activations. Dimension letters: M rows (tokens), K inputs, N outputs, D model
 * width, V vocabulary, B sequences, T positions, H heads, Dh = D / H. `out` arguments are overwritten, never added to.
 * `null` where an optional array is absent; an optional output that is null is not computed.
 * Wrong lengths throw a RangeError naming the function and the argument: nothing reads or writes out of bounds.
 */
/**
 * Values that a model passes on between its layers, and their gradients: float32, or bfloat16 in a Uint16Array. All of one
 * call have the same type. Products of bfloat16 activations round the weights to bfloat16 as well; sums are float32.
 */
export type Activations = FloatArray | HalfArray;

/** Memory of a GPU, owned by JavaScript until it is freed. */
export interface DeviceArray {
  readonly length: number;
  /** bfloat16 instead of float32. */
  readonly half: boolean;
}

/** Arrays in the engine's memory: typed arrays for the CPU, device arrays for a GPU. */
export type FloatArray = Float32Array | DeviceArray;
export type HalfArray = Uint16Array | DeviceArray;

export interface Native {
  /** Instruction set in use: 'avx512bf16' | 'avx512' | 'avx2' | 'portable'. The best the CPU has, or ILF_ISA from the environment. */
  isa(): string;
  /**
   * Choose another one that this CPU has (tests run every one).
   * @throws Error if it has not
   */
  setIsa(name: string): void;
  availableIsas(): string[];
  /** Threads in the pool, the caller's included; 1 runs everything in the caller. Default: ILF_THREADS or all cores. */
  setThreads(n: number): void;
  threads(): number;
  /** Nanoseconds spent inside native calls since the last reset (for the bench: share of time in kernels). */
  kernelNanoseconds(): number;
  resetKernelNanoseconds(): void;
  /** Bytes that native code holds between calls, over all threads: scratch memory, which only grows. */
  bytes(): number;

  /** c[M,N] (+)= op(a) op(b); op(a) is [M,K]: a is [K,M] if transA; op(b) is [K,N]: b is [N,K] if transB. */
  gemm(
    M: number,
    N: number,
    K: number,
    a: FloatArray,
    transA: boolean,
    b: FloatArray,
    transB: boolean,
    c: FloatArray,
    accumulate: boolean,
  ): void;
  /** The same with a and b rounded to bfloat16 (for the bench and the tests). */
  gemmBf16(
    M: number,
    N: number,
    K: number,
    a: FloatArray,
    transA: boolean,
    b: FloatArray,
    transB: boolean,
    c: FloatArray,
  ): void;
  /** `batch` independent products, strides in elements (0 broadcasts an operand). */
  batchGemm(
    batch: number,
    M: number,
    N: number,
    K: number,
    a: FloatArray,
    strideA: number,
    transA: boolean,
    b: FloatArray,
    strideB: number,
    transB: boolean,
    c: FloatArray,
  ): void;

  /** y = act(x w + bias) + residual. w is [K,N], or [N,K] if transW. act: 0 none, 1 GELU (tanh form, "gelu_new").
   * pre [M,N]: x w + bias before the activation, kept for the backward pass (only used when act = 1). */
  linearForward(
    M: number,
    N: number,
    K: number,
    x: Activations,
    w: FloatArray,
    transW: boolean,
    bias: FloatArray | null,
    act: 0 | 1,
    residual: Activations | null,
    y: Activations,
    pre: Activations | null,
  ): void;
  /** dx [M,K], dw like w, dbias [N], any may be null. (The residual's gradient is dy itself.) */
  linearBackward(
    M: number,
    N: number,
    K: number,
    x: Activations,
    w: FloatArray,
    transW: boolean,
    act: 0 | 1,
    pre: Activations | null,
    dy: Activations,
    dx: Activations | null,
    dw: FloatArray | null,
    dbias: FloatArray | null,
  ): void;

  /** kind 0: layer norm (x-mean)·rstd·gamma+beta; 1: RMS norm x·rstd·gamma (beta, mean null). mean, rstd: [M]. */
  normForward(
    kind: 0 | 1,
    M: number,
    D: number,
    eps: number,
    x: Activations,
    gamma: FloatArray,
    beta: FloatArray | null,
    y: Activations,
    mean: FloatArray | null,
    rstd: FloatArray,
  ): void;
  /** residual: another gradient of x, which is added to dx. */
  normBackward(
    kind: 0 | 1,
    M: number,
    D: number,
    x: Activations,
    gamma: FloatArray,
    mean: FloatArray | null,
    rstd: FloatArray,
    dy: Activations,
    residual: Activations | null,
    dx: Activations,
    dgamma: FloatArray,
    dbeta: FloatArray | null,
  ): void;

  /**
   * Causal self-attention of H heads of queries, which share KV of keys and values, H / KV in a row each: softmax(q kᵀ / √Dh) v.
   * Queries, keys and values: an array, where the first token's begin in it, and how many numbers it is from one token's to
   * the next's; the three may be one array. y [B,T,H,Dh]; lse [B,H,T].
   */
  attentionForward(
    B: number,
    T: number,
    H: number,
    KV: number,
    Dh: number,
    q: Activations,
    atQ: number,
    ldq: number,
    k: Activations,
    atK: number,
    ldk: number,
    v: Activations,
    atV: number,
    ldv: number,
    y: Activations,
    lse: FloatArray,
  ): void;
  /** dq, dk and dv lie in their arrays as q, k and v do in theirs. */
  attentionBackward(
    B: number,
    T: number,
    H: number,
    KV: number,
    Dh: number,
    q: Activations,
    atQ: number,
    ldq: number,
    k: Activations,
    atK: number,
    ldk: number,
    v: Activations,
    atV: number,
    ldv: number,
    y: Activations,
    lse: FloatArray,
    dy: Activations,
    dq: Activations,
    dk: Activations,
    dv: Activations,
  ): void;

  /**
   * Rotary position embedding (Su et al. 2021), x [M,heads,Dh] → y like x. Of the first `turned` heads, the first 2·F of Dh
   * numbers turn in F pairs, by positions[m]·frequencies[i], times scale: number i with number i + F, or, interleaved, 2i
   * with 2i + 1. The rest is copied. inverse: the transposed, which is the gradient.
   */
  rotary(
    M: number,
    heads: number,
    turned: number,
    Dh: number,
    positions: Int32Array,
    frequencies: Float64Array,
    interleaved: boolean,
    scale: number,
    inverse: boolean,
    x: Activations,
    y: Activations,
  ): void;

  /** y = act(gate)·up, of n numbers; act: 1 GELU, 2 SiLU. */
  gluForward(n: number, act: number, gate: Activations, up: Activations, y: Activations): void;
  gluBackward(
    n: number,
    act: number,
    gate: Activations,
    up: Activations,
    dy: Activations,
    dgate: Activations,
    dup: Activations,
  ): void;

  /** y[m] = wte[ids[m]] + wpe[positions[m]]; wpe and positions may be null. Ids out of range throw. */
  embedForward(
    M: number,
    D: number,
    ids: Int32Array,
    positions: Int32Array | null,
    wte: FloatArray,
    wpe: FloatArray | null,
    y: Activations,
  ): void;
  /** dwte [V,D], dwpe [P,D]: overwritten (zeroed, then scattered into), or added to; same result for any thread count. */
  embedBackward(
    M: number,
    D: number,
    ids: Int32Array,
    positions: Int32Array | null,
    dy: Activations,
    dwte: FloatArray,
    dwpe: FloatArray | null,
    accumulate: boolean,
  ): void;

  /** y[m] = x[rows[m]], x [rowsOfX,D]. */
  gatherRows(M: number, D: number, rowsOfX: number, rows: Int32Array, x: Activations, y: Activations): void;
  /** dx [rowsOfX,D] = 0, then dx[rows[m]] += dy[m]: gatherRows' gradient. */
  scatterRows(
    M: number,
    D: number,
    rowsOfX: number,
    rows: Int32Array,
    dy: Activations,
    dx: Activations,
  ): void;

  /** y = x in the other type; the sum of two arrays; x times a number. */
  convert(n: number, x: Activations, y: Activations): void;
  add(n: number, a: Activations, b: Activations, sum: Activations): void;
  scale(n: number, x: Activations, by: number, y: Activations): void;

  /** loss[m] = lse(h_m Wᵀ) − (h_m Wᵀ)[labels[m]], W [V,D]; label −1: loss 0 and no gradient. lse [M]. */
  crossEntropyForward(
    M: number,
    V: number,
    D: number,
    h: Activations,
    w: FloatArray,
    labels: Int32Array,
    loss: FloatArray,
    lse: FloatArray,
  ): void;
  /** dloss [M] is the gradient arriving at each loss. */
  crossEntropyBackward(
    M: number,
    V: number,
    D: number,
    h: Activations,
    w: FloatArray,
    labels: Int32Array,
    lse: FloatArray,
    dloss: FloatArray,
    dh: Activations | null,
    dw: FloatArray | null,
  ): void;

  /** loss[m] = weights[m]·ce_m, and the gradients of their sum, without a second product of hidden states and W. */
  crossEntropyLoss(
    M: number,
    V: number,
    D: number,
    h: Activations,
    w: FloatArray,
    labels: Int32Array,
    weights: FloatArray,
    loss: FloatArray,
    dh: Activations,
    dw: FloatArray,
  ): void;

  /** kl[m] = KL(softmax(hp_m Wpᵀ) ‖ softmax(hq_m Wqᵀ)), exact over V. Wp [V,Dp], Wq [V,Dq]. lseP, lseQ: [M]. */
  klForward(
    M: number,
    V: number,
    Dp: number,
    Dq: number,
    hp: Activations,
    wp: FloatArray,
    hq: Activations,
    wq: FloatArray,
    kl: FloatArray,
    lseP: FloatArray,
    lseQ: FloatArray,
  ): void;
  /** Gradients of both sides; each may be null. */
  klBackward(
    M: number,
    V: number,
    Dp: number,
    Dq: number,
    hp: Activations,
    wp: FloatArray,
    hq: Activations,
    wq: FloatArray,
    kl: FloatArray,
    lseP: FloatArray,
    lseQ: FloatArray,
    dkl: FloatArray,
    dhp: Activations | null,
    dwp: FloatArray | null,
    dhq: Activations | null,
    dwq: FloatArray | null,
  ): void;

  /** total [1]: the sum of x, in double, deterministic, rounded once. */
  sum(x: FloatArray, total: FloatArray): void;
  /** sqrt of the sum of squares over all arrays, in double, deterministic. */
  globalNorm(arrays: FloatArray[]): number;
  /** Decoupled weight decay (Loshchilov & Hutter 2019), in place on params, m and v. Gradients of a norm above clip are cut
   * down to it first; 0: none are. weightDecay: one number per array. step counts from 1. losses: arrays of one number, of
   * which the sum is told. Nothing changes where that or the norm is not finite. */
  clippedAdamw(
    params: FloatArray[],
    grads: FloatArray[],
    m: FloatArray[],
    v: FloatArray[],
    weightDecay: Float64Array,
    lr: number,
    beta1: number,
    beta2: number,
    eps: number,
    step: number,
    clip: number,
    losses: FloatArray[],
  ): AdamOutcome;

  /** A decoder of a model of these layers (x + attention(norm(x)), then x + mlp(norm(x))) with its KV caches. `weights`, null where the
   * model has none: wte [V,D], wpe [positions,D]; per layer weight and bias of the parts norm, qkv, q, k, v, out (of
   * attention), norm, gate, up, down (of the MLP); weight and bias of the last norm; the head [V,D], null for wte. The
   * products' weights are packed into copies: renew them after they change. wte and wpe are read in place until the
   * decoder is closed. Logits have the same bits as the forward functions above give for the whole text. */
  createDecoder(
    config: DecoderConfig,
    weights: (FloatArray | null)[],
    /** Activations, cache and the products' weights as bfloat16, with the same bits as a bfloat16 forward pass. */
    bfloat16?: boolean,
  ): NativeDecoder;

  /** Samples one token per row. logits [B,V]. Order of filters as in Hugging Face: temperature, top-k (0 = off), top-p
   * (1 = off); temperature 0 is argmax. uniform [B]: one number in [0,1) per row, inverse-CDF sampling in token order.
   * logprob[b] is the token's log-probability under the full softmax of logits at temperature 1. */
  sample(
    B: number,
    V: number,
    logits: Float32Array,
    temperature: number,
    topK: number,
    topP: number,
    uniform: Float32Array,
    tokens: Int32Array,
    logprob: Float32Array,
  ): void;
}

/** What an optimizer step says, all of it read at its end: where numbers are a GPU's, the one wait of a step. */
export interface AdamOutcome {
  /** The losses' sum, and the Euclidean norm of all gradients together before clipping. */
  loss: number;
  gradNorm: number;
  /** Whether the parameters are finite after it. */
  finite: boolean;
}

export interface DecoderConfig {
  layers: number;
  width: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  /** Width within the MLP. */
  inner: number;
  vocab: number;
  positions: number;
  /** As in normForward. */
  norm: 0 | 1;
  eps: number;
  /** As in linearForward and gluForward. */
  act: 1 | 2;
  /** Linear layers' weights are [out,in] instead of [in,out]. */
  transposed: boolean;
  /** As in rotary; no frequencies where nothing turns. */
  frequencies: Float64Array;
  interleaved: boolean;
  rotaryScale: number;
}

export interface NativeDecoder {
  /** Runs prompts [P,T] (right-padded, lengths [P]), keeps their keys and values, and opens n rows per prompt that share
   * them; maxNew: how many tokens each row may get after its prompt. What an earlier call opened is gone; its memory is
   * used again. */
  prefill(prompts: Int32Array, lengths: Int32Array, n: number, maxNew: number): void;
  /** Draws the next token of each live row, as `sample` does. rows: indices (prompt-major, p·n + i), in any order (of one
   * prompt's rows, neighbours share the work); previous: a token like each row, appended to it first, or null to draw what
   * follows the prompt. All live rows have the same number of new tokens so far. tokens (may be `previous` itself) and
   * logprob are like rows; logits [rows.length, V]: what was drawn from. */
  step(
    rows: Int32Array,
    previous: Int32Array | null,
    temperature: number,
    topK: number,
    topP: number,
    uniform: Float32Array,
    tokens: Int32Array,
    logprob: Float32Array,
    logits?: Float32Array | null,
  ): void;
  /** A step in two halves, where the kernels run on their own (a GPU's): it is started, and then read when its numbers are
   * wanted. At most two are started and not read. Each row has what it drew in the step before appended to it; `first`: draws
   * what follows its prompt. Otherwise as step. */
  start(
    rows: Int32Array,
    first: boolean,
    temperature: number,
    topK: number,
    topP: number,
    uniform: Float32Array,
  ): void;
  /** What the earliest started step drew. */
  read(tokens: Int32Array, logprob: Float32Array): void;
  /** Takes the weights anew, those that createDecoder was given or others of the same shapes; no batch is open then. What was
   * set up for steps stays. */
  renew(weights: (FloatArray | null)[]): void;
  /** Gives the memory of the open batch back. */
  closeBatch(): void;
  close(): void;
}
