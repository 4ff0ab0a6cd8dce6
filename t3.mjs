const n=522240; const mk=()=>new Float32Array(new ArrayBuffer(n*4+4096),0,n);
const x=mk(),y=mk(),o=mk();
function a(x,y,out){for(let i=0;i<out.length;i++) out[i]=x[i]+y[i];}
function b(x,y,out){const n=out.length; for(let i=0;i<n;i++) out[i]=x[i]+y[i];}
function c(x,y,out){const n=out.length&~3; for(let i=0;i<n;i+=4){ out[i]=x[i]+y[i];out[i+1]=x[i+1]+y[i+1];out[i+2]=x[i+2]+y[i+2];out[i+3]=x[i+3]+y[i+3];} for(let i=n;i<out.length;i++) out[i]=x[i]+y[i];}
for (const f of [a,b,c]) {for(let k=0;k<50;k++) f(x,y,o); const t=performance.now(); for(let k=0;k<100;k++) f(x,y,o); console.log(f.name,(performance.now()-t)/100);}
