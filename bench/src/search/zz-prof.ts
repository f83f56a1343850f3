import { largeScene, largeQuestions } from "/work/search/bench/src/search/large-scene.ts";
import { SceneIndex, loadSemantics } from "@copresence/server/search";
import { eventOf } from "/work/search/bench/src/search/score.ts";
const index = new SceneIndex(loadSemantics()); for (const o of largeScene(10000)) index.apply(o);
const t=new Map<string,number[]>(); const rec=new Map<string,number[]>();
for (const q of largeQuestions(24*12)) { const s=performance.now(); const a=index.answer(eventOf(q,10)); const ms=performance.now()-s; (t.get(q.text)??t.set(q.text,[]).get(q.text)!).push(ms); }
if (process.argv[2]==="r") for (const q of largeQuestions(48,3)) { const b=index.answer(eventOf(q,10),{exhaustive:true}).hits, s=index.answer(eventOf(q,10)).hits; const least=b.at(-1)?.score??0; const f=s.filter(h=>b.some(x=>x.object===h.object)||h.score>=least-1e-9).length; (rec.get(q.text)??rec.set(q.text,[]).get(q.text)!).push(f/Math.max(1,b.length)); }
for (const [k,v] of t) { v.splice(0,3); v.sort((a,b)=>a-b); console.log(v[Math.floor(v.length/2)]!.toFixed(1), v.at(-1)!.toFixed(1), (rec.get(k)??[]).map(x=>x.toFixed(2)).join(" "), k); }
