import { startEngine } from './dist/src/engine/index.js';
import { CausalLM } from './dist/src/lm/model.js';
import { gpt2Config } from './dist/src/lm/config.js';
import { sample } from './dist/src/lm/sample.js';
import { scoreCompletions, perTokenKL } from './dist/src/lm/score.js';
const e = await startEngine(process.argv[2]);
const lm = CausalLM.init(gpt2Config({n_layer:4,n_head:4,n_embd:128,n_positions:256,vocab_size:1200}), 1);
const P=+(process.argv[3]??50), n=5;
const prompts = Array.from({length:P},(_,p)=>Array.from({length:120+p%40},(_,t)=>(p*7+t*t)%1200));
for (let k=0;k<3;k++) {
let t=performance.now();
const out = await sample(lm, prompts, n, {maxNewTokens:48,temperature:1,topK:0,topP:1,seed:1,stopIds:[]});
let s=(performance.now()-t)/1000; console.log(`sample ${P}x${n}x48: ${s.toFixed(2)} s, ${Math.round(P*n*48/s)} new tok/s`);
const items = out.flatMap((l,p)=>l.map(c=>({prompt:prompts[p],completion:c.ids})));
t=performance.now(); await scoreCompletions(lm, items); s=(performance.now()-t)/1000; const tok=items.reduce((a,i)=>a+i.prompt.length+i.completion.length,0); console.log(`score: ${s.toFixed(2)} s, ${Math.round(tok/s)} tok/s`);
t=performance.now(); await perTokenKL(lm, lm, items); s=(performance.now()-t)/1000; console.log(`kl: ${s.toFixed(2)} s, ${Math.round(tok/s)} tok/s`);
}
