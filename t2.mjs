import { startEngine } from './dist/src/engine/index.js';
import * as tf from './dist/src/engine/tf.js';
import { CausalLM } from './dist/src/lm/model.js';
import { gpt2Config } from './dist/src/lm/config.js';
import { train } from './dist/src/lm/train.js';
const e = await startEngine('cpu');
const [D,L,H,V,B,T,steps] = process.argv[2].split(',').map(Number);
const lm = CausalLM.init(gpt2Config({n_layer:L,n_head:H,n_embd:D,n_positions:256,vocab_size:V}), 1);
const ex = Array.from({length:B},(_,b)=>({ids:Array.from({length:T+1},(_,t)=>(b*31+t*t)%V), weights:new Array(T+1).fill(1)}));
const times={};
const n=e.native;
for (const k of ['linearForward','linearBackward','normForward','normBackward','attentionForward','attentionBackward','embedForward','embedBackward','crossEntropyForward','crossEntropyBackward','globalNorm','adamw']) {
  const f=n[k]; n[k]=(...a)=>{const t=performance.now(); f.apply(n,a); times[k]=(times[k]??0)+performance.now()-t; if(k==='globalNorm') return f.apply(n,a)};
}
let t0=performance.now(), c0=process.cpuUsage(); let rows=[];
await train(lm, () => ex, {steps, warmup: 2, maxTokens: 1e6}, i => { const t=performance.now(), c=process.cpuUsage(c0); 
 const tot=Object.values(times).reduce((a,b)=>a+b,0);
 rows.push({wall:t-t0, inside:tot, outside:t-t0-tot, cpu:(c.user+c.system)/1000, ...times}); for(const k in times) times[k]=0; t0=performance.now(); c0=process.cpuUsage(); });
rows.sort((a,b)=>a.wall-b.wall); const r=rows[0]; for(const k in r) console.log(k.padEnd(22), r[k].toFixed(1)); console.log('best tok/s', Math.round(B*T/r.wall*1000), 'median', Math.round(B*T/rows[rows.length>>1].wall*1000));
